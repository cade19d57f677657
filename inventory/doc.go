// Package inventory reads one YAML file of virtual addresses and real users,
// and checks it. Every value knows its place in the file. This comment is the
// manual of the file.
//
// # A complete example
//
//	version: 1
//	host: {name: mx1.example.net}
//	defaults:
//	  roles: {postmaster: andrei, abuse: andrei}
//	users:
//	  andrei:
//	  bea: {mailbox: /srv/mail/bea}
//	domains:
//	  fakemail.example:
//	    addresses:
//	      fake: andrei
//	      info: [andrei, bea]
//	      old: {reject: "Ann has left"}
//	  fakemail.test:
//	    same_as: fakemail.example
//
// # How values are read
//
// Every value is a text, as written: no, 1234, null and 2001:db8::1 need no
// quotes. A key without a value has its default. The words null and ~, without
// quotes, mean the same wherever a text is not possible, as in
// users: {andrei: null}.
//
// Anchors and aliases of YAML may be used. Tags, merge keys, complex keys and
// second documents may not. The file is UTF-8 with LF line ends. With all files
// that it includes it has at most 256 MiB.
//
// The key note and all keys that begin with x- are free for your own use. Under
// addresses and roles, however, they are addresses like all others.
//
// Domains become lower-case A-labels (UTS 46, non-transitional). Local parts
// become lower case, except in targets at other servers, because only the other
// server may decide about case (RFC 5321 2.4). Two spellings of the same name
// are a duplicate.
//
// # host: this mail server
//
//	name         its own name ($j of sendmail, myhostname of postfix,
//	             primary_hostname of exim, the mail name of opensmtpd);
//	             required
//	mx_names     names under which an MX record may mean it; default [name]
//	networks     its addresses and networks, also the public side of a NAT
//	dkim         the keys that sign mail from its own name, as under sends
//	sends_from   the addresses from which it sends; default the single addresses
//	             of networks
//	local_names  further names for class w that are no virtual domains
//	server       the kind of mail server: sendmail, the default, postfix, exim or
//	             opensmtpd
//	mail_dir     the folder of its files
//	map          how tables are stored
//
// The kind of server decides the default of mail_dir, and the types of map, of
// which the first is the default:
//
//	sendmail  /etc/mail     hash, cdb or text
//	postfix   /etc/postfix  hash, cdb, lmdb, lmdb-1.0 or texthash
//	exim      /etc/exim4/virtmap  cdb, hash or text
//	opensmtpd  /etc/mail/virtmap  text
//
// # users and local_aliases: the recipients on this server
//
// A user is a local account. A user has these keys:
//
//	mailbox    an mbox file, instead of the usual one
//	forward    an address or a list that gets the virtual mail of the user
//	keep_copy  with forward: the mailbox gets the mail too
//	sends_as   the address that mail of the sendmail command comes from
//	uid        the number of the user, for a server that delivers to the
//	           mailbox itself; sendmail finds it by the name
//	gid        the number of the group; default uid
//
// These keys are about virtual mail. Mail to the account itself does not
// change. local_aliases lists names that the server's own alias files define.
//
// # domains: the virtual addresses
//
//	addresses  the part before the @, and where its mail goes
//	catch_all  where the mail for all other addresses goes; default reject
//	same_as    another domain: its addresses, roles, catch_all and detail are
//	           copied; keys of this domain win
//	roles      role addresses, which override those of defaults; none removes
//	           a role
//	detail     what happens to user+detail: drop, keep or reject
//	sends      yes, no, or {dkim: {SELECTOR: path of the private key}}
//	senders    users who may send from every address of the domain
//	role       primary, or backup: relayed to better MX hosts, no addresses
//	mx_check   required, advisory or skip
//	enabled    false: as if the domain were not in the file
//
// The part before the @ has one of these forms:
//
//	user         this address; detail says what happens to user+detail
//	user+detail  exactly this address
//	user+*       user with a detail, which may be empty (user+)
//	user++       user with a detail that is not empty
//	+*           any user with a detail, which may be empty
//	++           any user with a detail that is not empty
//
// Mail goes to a user, a name of local_aliases, an address, or a list of these;
// reject refuses it, and defer refuses it for now. The long form of an address
// is a mapping:
//
//	to          a user, an alias, an address, a list, reject or defer
//	reject      a text, or {code: 551, status: 5.1.6, text: "…"}
//	defer       the same with 4yz and 4.x.x
//	bounces_to  gets the bounces when a recipient of the list fails
//	detail      for this address
//	senders     the users who may send from it; with none, no user may
//	enabled     false: refused; the catch-all does not get it
//
// A catch_all may also be local (no row: the server's own accounts), or
// {domain: partner.example} (the same address there, with the detail).
//
// If a key stands for several addresses, its target may have parameters: %1 is
// the user, %2 the detail, %3 the detail with its plus, and %% a percent sign.
//
// A target in a domain of the inventory must be listed there. The host's own
// names get no rows. If one of them is under domains, it needs its own
// catch_all, with which mail to root, postmaster and mailer-daemon still
// arrives.
//
// # sends, senders and submission: mail that leaves
//
// A domain with sends: yes is one from whose addresses mail is sent. virtmap mx
// --sending checks its SPF, DKIM and DMARC records. With dkim, the mail is signed
// with the first key; further keys are only checked, for a change of keys.
//
// These users may send from an address of a domain that sends:
//
//	senders of the address  only these; with none, no user may
//	without senders         the users who get its mail, and the senders of the
//	                        domain
//
// A user who forwards mail still counts as one who gets it. user+detail counts as
// user, if it is not listed itself. An address that is not listed counts as the
// catch_all; with catch_all: local, each user has the address of the same name.
// Nobody may send from an address that refuses mail. same_as copies senders, but
// not sends.
//
//	submission:
//	  rewrite    msp: mail of the sendmail command comes from the sends_as of its
//	             user; default no
//	  authorise  yes: a user who logs in sends only from addresses of which the
//	             user is a sender, or from the account itself; default no
//
// The kind of server decides what of this it can do; virtmap check says it.
//
// # defaults, include, tests and the rest
//
//	version   1
//	defaults  catch_all, mx_check, detail and roles for every domain
//	include   patterns of files with users, domains, local_aliases and tests,
//	          relative to the folder of the inventory; the files must be in
//	          this folder or below, also if a link leads to them;
//	          --include-from DIR names further folders
//	tests     addresses and their expected outcomes: a user, an address, a
//	          list, reject, defer, {reject: 5.1.1}, {defer: 4.2.1} or not-ours
//	checks    the severity of a check by its id: error, warning, note, ignore;
//	          profile: strict makes every warning an error, unless it is set
//	          here; a comment silences one check on its line or on the next
//	          line, and has a reason:
//	          # virtmap:ignore VM014 root is an alias of the site
//	guards    max_removed (a percentage) and min_size (a number of rows)
//	mx        remove (manual or auto), recheck and max_unknown_age (durations
//	          such as 24h and 7d)
//
// # mx_check: what DNS decides
//
// required, the default: a new domain is served as soon as its MX records lead
// to host.mx_names or host.networks. A domain that is served stays as long as
// DNS gives no answer. If its MX records lead elsewhere, the run reports the
// domain. With mx.remove: auto the domain leaves after DNS has confirmed this for
// a day.
//
// advisory: the domain is served, and the verdict is only printed.
//
// skip: the domain is served, and DNS is not asked.
//
// The host's own names are always served. If a catch_all or a target with %1
// leads to a domain that is held back, its mail is deferred.
package inventory
