package inventory

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// A Key describes one key of the inventory. The reader, the help for a misspelled key
// and the manual page use these tables.
type Key struct {
	Name    string
	Kind    string // of its value: text, list, mapping, …
	Doc     string // what it does, and its default
	Example string // a value
}

// takesTexts reports whether null is a text in the value of this key. A user may be
// called null.
func (k *Key) takesTexts() bool {
	switch k.Kind {
	case "text", "text or mapping", "domain", "recipient", "target", "target or mapping", "address or list", "list",
		"list of domains", "list of addresses or networks", "mail address", "list of users", "list of users or none":
		return true
	}
	return false
}

// A Section is a mapping with its keys.
type Section struct {
	Name string
	Keys []Key
	Doc  string // what it describes
}

// Sections returns every mapping of the inventory with its keys.
func Sections() []Section {
	return []Section{
		{"top", describe(topKeys), "The inventory of the virtual domains of a mail server."},
		{"included", describe(includedKeys), "A file that an inventory includes."},
		{"host", describe(hostKeys), "A mail server."},
		{"defaults", describe(defaultsKeys), "Values for every domain that has none of its own."},
		{"user", describe(userKeys), "A real user: a local account. Without a value, its mail goes to its usual mailbox. The keys are about virtual mail only."},
		{"domain", describe(domainKeys), "A virtual domain."},
		{"sends", describe(sendsKeys), "A domain from whose addresses mail is sent."},
		{"address", describe(addressKeys), "The long form of where mail goes."},
		{"catch_all", describe(catchAllKeys), "The long form of where mail for unlisted addresses goes."},
		{"refusal", describe(refusalKeys), "A reply with which mail is refused."},
		{"guards", describe(guardsKeys), "Which changes publishing takes for an accident."},
		{"mx", describe(mxKeys), "How MX verdicts decide which domains are served."},
		{"submission", describe(submissionKeys), "What is done with mail that is sent from this server."},
		{"outcome", describe(outcomeKeys), "The expected refusal of an address."},
	}
}

// A key is a Key together with the function that reads its value into a T.
type key[T any] struct {
	Key
	read func(r *reader, v value, into *T)
}

func describe[T any](keys []key[T]) []Key {
	all := make([]Key, len(keys))
	for i, k := range keys {
		all[i] = k.Key
	}
	return all
}

// freeKey reports whether a key is free for a person's own use.
func freeKey(name string) bool { return name == "note" || strings.HasPrefix(name, "x-") }

// readMapping reads a mapping of fixed keys, and returns the text of its note. It skips
// the other free keys. A key without a value keeps its default.
func readMapping[T any](r *reader, v value, what string, keys []key[T], into *T) (note string) {
	seen := map[string]diag.Pos{}
	r.pairs(v, what, func(p pair) {
		if first, ok := seen[p.name]; ok {
			r.fault(checkDuplicate.At(p.key.pos(), p.key.size(), "key %q is given twice in %s", p.name, what).
				Second(first, "first given here").WithHelp("keep one of the two"))
			return
		}
		seen[p.name] = p.key.pos()
		i := slices.IndexFunc(keys, func(k key[T]) bool { return k.Name == p.name })
		switch {
		case i >= 0 && p.val.isNull() && !keys[i].takesTexts():
		case i >= 0 && (!p.val.isEmpty() || r.plainCount(p.val) > 0):
			keys[i].read(r, p.val, into)
		case i < 0 && !freeKey(p.name):
			r.unknownKey(p, what, describe(keys))
		case i < 0 && p.name == "note" && !p.val.isEmpty() && !p.val.isNull():
			note = textOf(p.val)
		}
	})
	return note
}

func (r *reader) unknownKey(p pair, what string, keys []Key) {
	names := func(yield func(string) bool) {
		for _, k := range keys {
			if !yield(k.Name) {
				return
			}
		}
	}
	if before, after, ok := strings.Cut(p.name, ":"); p.val.isEmpty() && ok && after != "" {
		r.fault(checkUnknownKey.At(p.key.pos(), p.key.size(), "%s has no key %q", what, p.name).
			WithHelp("a colon needs a blank after it: %s: %s", before, after))
		return
	}
	if p.val.isEmpty() && strings.Contains(p.name, " ") {
		r.fault(checkUnknownKey.At(p.key.pos(), p.key.size(), "%s has no key %q: a comma inside braces begins another key", what, p.name).
			WithHelp("a text with a comma in it needs quotes around it"))
		return
	}
	words := diag.Words{Names: names}
	help := "the keys here are " + strings.Join(slices.Collect(names), ", ") + "; note and x-… are free"
	if below := addressOutside(p, what); below != "" {
		help = "if it is an address, put it below addresses: " + below
	}
	if best, ok := words.Nearest(p.name); ok {
		help = "did you mean " + best + "?"
	}
	r.fault(checkUnknownKey.At(p.key.pos(), p.key.size(), "%s has no key %q", what, p.name).WithHelp("%s", help))
}

// addressOutside recognizes an address directly below its domain, and returns the text
// to write instead.
func addressOutside(p pair, what string) string {
	value := ""
	switch v := p.val; {
	case !strings.HasPrefix(what, "domain "), v.isEmpty():
	case v.isScalar():
		value = v.node.Value
	case v.isList():
		var all []string
		for _, item := range v.node.Content {
			all = append(all, item.Value)
		}
		value = "[" + strings.Join(all, ", ") + "]"
	case v.isMapping():
		if keys := v.node.Content; len(keys) == 2 && slices.ContainsFunc(addressKeys, func(k key[rawAddress]) bool { return k.Name == keys[0].Value }) {
			value = "{" + keys[0].Value + ": " + keys[1].Value + "}"
		}
	}
	const limit = 100 // more names do not help
	if value == "" || boolWord.MatchString(value) || len(p.name)+len(value) > limit {
		return ""
	}
	return "addresses: {" + p.name + ": " + value + "}"
}

// A topFile has the keys of the inventory's own file while it is read.
type topFile struct {
	*Model
	hasVersion bool
	badHost    bool // the name is there, but faulty
}

var topKeys = []key[topFile]{
	{Key{"version", "1", "The version of this format; required. There is only version 1.", "1"},
		func(r *reader, v value, m *topFile) { m.hasVersion = true; r.version(v) }},
	{Key{"host", "mapping", "This mail server: its name, its addresses, and how its files are stored; required.", "{name: mx1.example.net}"},
		func(r *reader, v value, m *topFile) {
			before := r.faults.Count(diag.Error)
			readMapping(r, v, "host", hostKeys, &m.Host)
			m.badHost = r.faults.Count(diag.Error) > before
		}},
	{Key{"defaults", "mapping", "Values for every domain that has none of its own.", "{mx_check: required}"},
		func(r *reader, v value, m *topFile) { readMapping(r, v, "defaults", defaultsKeys, &m.Defaults) }},
	{Key{"users", "mapping", "The real users by name. A user without a value is a local account with its usual mailbox.", "{andrei: }"},
		func(r *reader, v value, m *topFile) { r.users(v, m.Model) }},
	{Key{"local_aliases", "list", "Names that the server's own alias files define, such as mailing lists. They are targets like users; default none.", "[mailman]"},
		func(r *reader, v value, m *topFile) { r.localAliases(v, m.Model) }},
	{Key{"domains", "mapping", "The virtual domains by name, each with its addresses. A domain without a value has only what defaults give it.", "{fakemail.example: {addresses: {fake: andrei}}}"},
		func(r *reader, v value, m *topFile) { r.domains(v, m.Model) }},
	{Key{"include", "list", "Patterns of further files with users, local_aliases, domains and tests, relative to the folder of this file and below it; the flag --include-from names other folders. A pattern that matches nothing is a fault.", "[domains/*.yaml]"},
		func(r *reader, v value, _ *topFile) { r.includePatterns(v) }},
	{Key{"guards", "mapping", "Which changes publishing takes for an accident. A build refuses them until --allow names them.", "{max_removed: 30%}"},
		func(r *reader, v value, m *topFile) { readMapping(r, v, "guards", guardsKeys, &m.Guards) }},
	{Key{"submission", "mapping", "What is done with mail that is sent from this server; default nothing.", "{rewrite: msp, authorise: yes}"},
		func(r *reader, v value, m *topFile) { readMapping(r, v, "submission", submissionKeys, &m.Submission) }},
	{Key{"mx", "mapping", "How MX verdicts decide which domains are served, and how long a verdict holds.", "{remove: manual}"},
		func(r *reader, v value, m *topFile) { readMapping(r, v, "mx", mxKeys, &m.MX) }},
	{Key{"checks", "mapping", "The severity of checks by id: error, warning, note or ignore; profile: strict makes every warning an error. virtmap check --list lists the ids.", "{VM014: ignore}"},
		func(r *reader, v value, m *topFile) { r.checkSettings(v, m.Model) }},
	{Key{"tests", "mapping", "Addresses with their expected outcomes: a user, an address, a list, reject, defer, {reject: 5.1.1}, {defer: 4.2.1} or not-ours. check and virtmap test prove them.", "{fake@fakemail.example: andrei}"},
		func(r *reader, v value, m *topFile) { r.tests(v, m.Model) }},
}

var includedKeys = []key[Model]{
	{Key{"users", "mapping", "Further real users by name, as in the inventory itself. A user is declared in one file only.", "{bea: }"}, (*reader).users},
	{Key{"local_aliases", "list", "Further names that the server's own alias files define, as in the inventory itself.", "[rt]"}, (*reader).localAliases},
	{Key{"domains", "mapping", "Further virtual domains by name, as in the inventory itself. A domain is declared in one file only, and may use the users of all files.", "{fakemail.test: {same_as: fakemail.example}}"}, (*reader).domains},
	{Key{"tests", "mapping", "Further addresses with their expected outcomes, as in the inventory itself.", "{nobody@fakemail.example: reject}"}, (*reader).tests},
}

var hostKeys = []key[Host]{
	{Key{"name", "domain", "What the server calls itself (" + ofEach(", ", func(k *Kind) string { return k.Own + " of " + string(k.Name) }) + "); required.", "mx1.example.net"},
		func(r *reader, v value, h *Host) { h.Name = r.domainName(v, "name") }},
	{Key{"mx_names", "list of domains", "Names under which an MX record may mean this server; default the name of the host.", "[mx1.example.net]"},
		func(r *reader, v value, h *Host) { h.MXNames = r.domainNames(v, "mx_names") }},
	{Key{"networks", "list of addresses or networks", "Addresses and networks of this server, also the public side of a NAT. An MX record that leads to one of them means this server; default none.", "[192.0.2.25, 2001:db8::/64]"},
		func(r *reader, v value, h *Host) { h.Networks = r.networks(v, "networks") }},
	{hostDKIM, func(r *reader, v value, h *Host) { h.DKIM = r.dkimKeys(v) }},
	{fromKey, func(r *reader, v value, h *Host) { h.SendsFrom = r.sendsFrom(v) }},
	{Key{"local_names", "list of domains", "Further names of the server itself that are no virtual domains; they get no rows. Default none.", "[localhost]"},
		func(r *reader, v value, h *Host) { h.LocalNames = r.domainNames(v, "local_names") }},
	{Key{"server", choice(kindNames()), "What kind of mail server it is; default sendmail.", "sendmail"},
		func(r *reader, v value, h *Host) { h.Server = oneOf(r, v, "server", kindNames()...) }},
	{Key{"mail_dir", "path", "The folder of the files on the server; default " + ofEach(", ", func(k *Kind) string { return k.Dir + " for " + string(k.Name) }) + ".", "/etc/mail"},
		func(r *reader, v value, h *Host) { h.MailDir = r.folder(v, "mail_dir", Name{}) }},
	{Key{"map", "hash, cdb, lmdb, lmdb-1.0, text or texthash", "How tables are stored; default " + defaultMaps() + ". " + ofEach("; ", func(k *Kind) string { return string(k.Name) + " takes " + choice(k.Maps) }) + ".", "hash"},
		(*reader).mapType},
}

var defaultsKeys = []key[Defaults]{
	{Key{"catch_all", "target or mapping", "Where mail for unlisted addresses goes: reject, local (the server's own accounts decide), a target, or a mapping; default reject.", "reject"},
		func(r *reader, v value, d *Defaults) { d.CatchAll = r.catchAll(v, d.CatchAll) }},
	{Key{"mx_check", "required, advisory or skip", "What a domain's MX verdict decides. required: a new domain is served when its MX leads here; advisory: it is served, and told; skip: no DNS is asked. Default required.", "required"},
		func(r *reader, v value, d *Defaults) {
			d.MXCheck = oneOf(r, v, "mx_check", MXRequired, MXAdvisory, MXSkip)
		}},
	{Key{"detail", "drop, keep or reject", "What becomes of user+detail. drop: mail goes where mail for user goes; keep: the target gets the detail too; reject: it is refused. Default drop.", "drop"},
		func(r *reader, v value, d *Defaults) { d.Detail = r.detail(v) }},
	{Key{"roles", "mapping", "Addresses that every domain has, such as postmaster and abuse; default none. A domain may override one, or remove it with none.", "{postmaster: andrei, abuse: andrei}"},
		func(r *reader, v value, d *Defaults) { d.Roles = r.roles(v) }},
}

var userKeys = []key[User]{
	{Key{"mailbox", "path", "An mbox file that gets the virtual mail, instead of the usual mailbox. With a slash at its end it is a Maildir, which Postfix writes and sendmail does not.", "/srv/mail/bea"},
		func(r *reader, v value, u *User) { u.Mailbox = r.path(v, "mailbox", Name{}) }},
	{Key{"forward", "address or list", "One address or several elsewhere that get this user's virtual mail; default none.", "carol@elsewhere.example"},
		func(r *reader, v value, u *User) { u.Forward = r.forward(v) }},
	{Key{"keep_copy", "true or false", "With forward: the mailbox gets the mail too; default false.", "true"},
		func(r *reader, v value, u *User) { u.KeepCopy = r.boolean(v, "keep_copy") }},
	{sendsAsKey, func(r *reader, v value, u *User) { u.SendsAs = r.address(v, "sends_as") }},
	{Key{"uid", "number", "The number of the user, for a server that delivers to the mailbox itself; sendmail finds it by the name.", "1002"},
		func(r *reader, v value, u *User) { u.UID = r.id(v, "uid") }},
	{Key{"gid", "number", "The number of the group, with uid; default the number of uid.", "1002"},
		func(r *reader, v value, u *User) { u.GID = r.id(v, "gid") }},
}

// A rawDomain is a domain while it is read. Whether its keys exclude each other is
// checked when all of them are known.
type rawDomain struct {
	Domain
	role      value
	addresses value
	roles     value
	catchAll  value
	detail    value
	sends     value
	senders   value
}

var domainKeys = []key[rawDomain]{
	{Key{"same_as", "domain", "Another domain whose addresses, roles, catch_all and detail this one has too. Keys of this domain win.", "fakemail.example"},
		func(r *reader, v value, d *rawDomain) { d.SameAs = r.sameAs(v) }},
	{Key{"role", "primary or backup", "primary: its mail is delivered here; backup: its mail is relayed to better MX hosts, and it has no addresses. Default primary.", "backup"},
		func(r *reader, v value, d *rawDomain) {
			d.role, d.Backup = v, oneOf(r, v, "role", "primary", "backup") == "backup"
		}},
	{Key{"enabled", "true or false", "false: as if the domain were not here; default true.", "false"},
		func(r *reader, v value, d *rawDomain) { d.Enabled = r.boolean(v, "enabled") }},
	{Key{"mx_check", "required, advisory or skip", "What the domain's MX verdict decides: required, advisory or skip, as under defaults; default that of defaults.", "skip"},
		func(r *reader, v value, d *rawDomain) {
			d.MXCheck = oneOf(r, v, "mx_check", MXRequired, MXAdvisory, MXSkip)
		}},
	{Key{"detail", "drop, keep or reject", "What becomes of user+detail: drop, keep or reject, as under defaults; default that of defaults.", "keep"},
		func(r *reader, v value, d *rawDomain) { d.detail, d.Detail = v, r.detail(v) }},
	{Key{"roles", "mapping", "Role addresses of this domain, which override those of defaults; none removes a role.", "{abuse: none}"},
		func(r *reader, v value, d *rawDomain) { d.roles = v }},
	{Key{"addresses", "mapping", "The virtual addresses: the part before the @, and where its mail goes. user+*, user++, +* and ++ stand for addresses with a detail; default none.", "{fake: andrei}"},
		func(r *reader, v value, d *rawDomain) { d.addresses = v }},
	{Key{"catch_all", "target or mapping", "Where mail for unlisted addresses goes: reject, local, a target, or a mapping; default that of defaults.", "reject"},
		func(r *reader, v value, d *rawDomain) { d.catchAll = v }},
	{sendsKey, (*reader).sends},
	{sendersKey, func(r *reader, v value, d *rawDomain) { d.senders = v }},
}

// A rawAddress is the long form of an address or a catch-all while it is read.
type rawAddress struct {
	to, reject, deferred, domain, bounces value
	senders                               value
	detail                                Detail
	detailPos                             value
	disabled                              bool
}

var addressKeys = []key[rawAddress]{
	{Key{"to", "target", "Where the mail goes: a user, a name of local_aliases, an address, a list of these, reject or defer.", "[andrei, bea]"},
		func(r *reader, v value, a *rawAddress) { a.to = v }},
	{Key{"reject", "text or mapping", "The address is refused for good, with this text or reply; default 550 5.1.1 User unknown.", `"Ann has left"`},
		func(r *reader, v value, a *rawAddress) { a.reject = v }},
	{Key{"defer", "text or mapping", "The address is refused for now, and the sender tries again; default 450 4.2.1.", `"mailbox is being moved"`},
		func(r *reader, v value, a *rawAddress) { a.deferred = v }},
	{Key{"bounces_to", "recipient", "The recipient of bounces when a recipient of the list fails; default the sender.", "andrei"},
		func(r *reader, v value, a *rawAddress) { a.bounces = v }},
	{Key{"detail", "drop, keep or reject", "What becomes of user+detail at this address: drop, keep or reject; default that of the domain.", "keep"},
		func(r *reader, v value, a *rawAddress) { a.detail, a.detailPos = r.detail(v), v }},
	{onlyKey, func(r *reader, v value, a *rawAddress) { a.senders = v }},
	{Key{"enabled", "true or false", "false: the address is refused, and the catch-all does not get it; default true.", "false"},
		func(r *reader, v value, a *rawAddress) { a.disabled = !r.boolean(v, "enabled") }},
}

var catchAllKeys = []key[rawAddress]{
	addressKeys[0], addressKeys[1], addressKeys[2], addressKeys[3],
	{Key{"domain", "domain", "The same address at that domain, with the detail, for every unlisted address.", "partner.example"},
		func(r *reader, v value, a *rawAddress) { a.domain = v }},
}

var refusalKeys = []key[rawRefusal]{
	{Key{"code", "reply code", "The SMTP reply code: 5yz for reject, default 550; 4yz for defer, default 450.", "551"},
		func(r *reader, v value, f *rawRefusal) { f.code, _ = r.scalar(v, "code") }},
	{Key{"status", "enhanced status", "The enhanced status code, of the class of the reply code; default 5.1.1 for reject, 4.2.1 for defer.", "5.1.6"},
		func(r *reader, v value, f *rawRefusal) { f.status, _ = r.scalar(v, "status") }},
	{Key{"text", "text", "What the sender is told, in printable ASCII without quotes and backslashes.", `"now at partner.example"`},
		func(r *reader, v value, f *rawRefusal) { f.text, _ = r.scalar(v, "text") }},
}

var guardsKeys = []key[Guards]{
	{Key{"max_removed", "percentage", "The most addresses that one build may remove or redirect, as a percentage of all; default 30%.", "30%"},
		func(r *reader, v value, g *Guards) { g.MaxRemovedPercent = r.percent(v, "max_removed") }},
	{Key{"min_size", "number", "Tables with fewer rows are not guarded; default 10.", "10"},
		func(r *reader, v value, g *Guards) { g.MinSize = r.number(v, "min_size") }},
}

var mxKeys = []key[MX]{
	{Key{"remove", "manual or auto", "Whether a served domain whose MX leads elsewhere leaves by itself. auto: after two DNS servers have said so in three runs over a day. Default manual.", "manual"},
		func(r *reader, v value, m *MX) { m.RemoveAuto = oneOf(r, v, "remove", "manual", "auto") == "auto" }},
	{Key{"recheck", "duration", "How long a verdict holds before the DNS is asked again; default 24h.", "24h"},
		func(r *reader, v value, m *MX) { m.Recheck = r.duration(v, "recheck") }},
	{Key{"max_unknown_age", "duration", "How long the DNS may be silent about a served domain before it is reported; default 7d.", "7d"},
		func(r *reader, v value, m *MX) { m.MaxUnknownAge = r.duration(v, "max_unknown_age") }},
}

var outcomeKeys = []key[Expectation]{
	{Key{"reject", "status or code", "Mail is refused for good, with that enhanced status or reply code.", "5.1.1"},
		func(r *reader, v value, e *Expectation) { r.expectRefusal(v, '5', e) }},
	{Key{"defer", "status or code", "Mail is refused for now, with that enhanced status or reply code.", "4.2.1"},
		func(r *reader, v value, e *Expectation) { r.expectRefusal(v, '4', e) }},
}
