// Package inventory reads what the user wrote: one YAML file of virtual
// addresses and real users, checked, with a place for every value. This
// comment is the manual of that file.
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
// Everything is text as written: no, 1234, null and 2001:db8::1 need no
// quotes. A key with nothing behind it has its default; so has one with null or
// ~ without quotes, where no text can stand, as in users: {andrei: null}.
// Anchors and aliases are fine; tags, merge keys, complex keys and second
// documents are not. The file is UTF-8 with LF line ends, at most 256 MiB with
// all it includes. The keys note and x-… are free, for whatever you like to
// keep there, but under addresses and roles, where they are addresses.
//
// Domains are folded to lower-case A-labels (UTS 46, non-transitional) and
// local parts to lower case, but for those of targets at other servers, whose
// case is theirs to read (RFC 5321 2.4); two spellings of one thing are a
// duplicate.
//
// # host: this mail server
//
//	name         its sendmail's own name ($j); required
//	mx_names     names under which an MX record may mean it; default [name]
//	networks     addresses and networks that are it, the public side of a NAT too
//	local_names  further names for class w that are no virtual domains
//	server       what kind of mail server it is: sendmail, the default
//	mail_dir     where the files live on it; default /etc/mail
//	map          hash, cdb or text; default hash
//
// # users and local_aliases: who gets mail
//
// A user is a local account. Its keys:
//
//	mailbox    an mbox file elsewhere than the usual one
//	forward    an address or a list: its virtual mail goes there
//	keep_copy  with forward: the mailbox gets it too
//
// They hold for virtual mail; mail to the account itself is untouched.
// local_aliases lists names that the server's own alias files define.
//
// # domains: the virtual addresses
//
//	addresses  the part before the @, and where it goes
//	catch_all  where everything else goes; default reject
//	same_as    another domain whose addresses, roles, catch_all and detail this
//	           one has too; what is given here wins
//	roles      role addresses, over those of defaults; none takes one away
//	detail     what becomes of user+detail: drop, keep or reject
//	role       primary, or backup: relayed to better MX hosts, no addresses
//	mx_check   required, advisory or skip
//	enabled    false: as if the domain were not here
//
// An address is user; user+detail for that one; user+* for any detail of the
// user, user++ for any but an empty one; +* and ++ for any user's.
//
// Where mail goes is a user, a name of local_aliases, an address, a list of
// these, reject, or defer. The long form of an address is a mapping:
//
//	to          any of the above
//	reject      a text, or {code: 551, status: 5.1.6, text: "…"}
//	defer       the same with 4yz and 4.x.x
//	bounces_to  who is told when a recipient of the list fails
//	detail      for this address
//	enabled     false: refused, and never the catch-all's
//
// A catch_all may also be local (no row: the server's own accounts) or
// {domain: partner.example} (the same address there, detail kept). An address
// behind a key that stands for several takes %1 for the user, %2 for the
// detail, %3 for the detail with its plus, %% for a percent sign.
//
// A target at a domain of the inventory must be listed there. The host's own
// names get no rows; naming one under domains needs a catch_all of its own
// that leaves root, postmaster and mailer-daemon a way.
//
// # defaults, include, tests and the rest
//
//	version   1
//	defaults  catch_all, mx_check, detail and roles for every domain
//	include   patterns of files with users, domains, local_aliases and tests,
//	          relative to the inventory's folder; the files must lie below it,
//	          also when a link leads to them; --include-from DIR names further
//	          folders
//	tests     addresses and outcomes that must hold: a user, an address, a list,
//	          reject, defer, {reject: 5.1.1}, {defer: 4.2.1} or not-ours
//	checks    the severity of a check by its id: error, warning, note, ignore;
//	          profile: strict makes every warning an error that is not set so;
//	          a comment silences one on its line, or the next, with its reason:
//	          # virtmap:ignore VM014 root is an alias of the site
//	guards    max_removed (a percentage) and min_size (a number of rows)
//	mx        remove (manual or auto), recheck and max_unknown_age (durations
//	          such as 24h and 7d)
//
// # mx_check: what DNS decides
//
// required, the default: a new domain is served once its MX records lead to
// host.mx_names or host.networks. A domain that is served stays when DNS is
// silent; when DNS speaks against it, it is named, and with mx.remove: auto
// it leaves when that was confirmed over a day. advisory: it is served, and
// the verdict is only printed. skip: it is served, and DNS is not asked. The
// host's own names are always served. Where a catch_all or a target with %1
// leads to a domain that is held back, its mail is deferred.
package inventory
