package postfix

import (
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// check reports what Postfix would do in another way than the inventory asks for. It
// looks at the entries of one domain.
func (v *domain) check() {
	for i := range v.entries {
		e := &v.entries[i]
		v.follow.Params(&e.Address)
		v.checkLocal(e)
		v.checkKey(e)
		v.follow.Sample(v.index, &e.Address)
	}
	catchAll := inventory.Address{To: v.catchAll, Pos: v.pos, Detail: v.detail}
	v.follow.Params(&catchAll)
	v.follow.Sample(v.index, &catchAll)
}

// checkKey reports a key that is too long for a map of the type hash.
func (v *domain) checkKey(e *entry) {
	const most = 255
	if size := len(e.Local) + 1 + len(v.name); size > most && v.m.Host.Map == inventory.MapHash {
		v.faults.Add(checkKeyLong.At(e.Pos, len(e.Local), "the key %s@%s has %d bytes, and a hash map takes %d", e.Local, v.name, size, most).
			WithHelp("write host: {map: cdb}, or shorten the address"))
	}
}

// checkLocal reports a local part that Postfix looks up in quotes, does not cut at its
// detail, or refuses (postconf(5), allow_min_user).
func (v *domain) checkLocal(e *entry) {
	user := e.User()
	switch {
	case e.Form == inventory.ExactDetail && user == "":
		v.faults.Add(checkLocalPart.At(e.Pos, len(e.Local), "%q begins with a plus, and Postfix cuts no detail from such an address", e.Local).
			WithHelp("give the address another name"))
	case strings.HasPrefix(e.Local, "-") && e.refused == nil:
		v.faults.Add(checkLocalPart.At(e.Pos, len(e.Local), "%q begins with a hyphen, and Postfix refuses such an address with 501 5.1.3", e.Local).
			WithHelp("give the address another name"))
	case strings.HasPrefix(e.Local, ".") || strings.HasSuffix(e.Local, ".") || strings.Contains(e.Local, ".."):
		v.faults.Add(checkLocalPart.At(e.Pos, len(e.Local), "%q has a dot at an end, or two dots in a row: Postfix looks such an address up in quotes", e.Local).
			WithHelp("give the address another name"))
	}
}

// checkLocalhost reports that the rows of the host's own name do not hold at localhost.
// Accounts are written with localhost then.
func (c *compiler) checkLocalhost() {
	d, listed := c.m.Domain(c.m.Host.Name.Text)
	if !listed || c.host != localhost {
		return
	}
	domain := &c.m.Domains[d]
	c.faults.Add(checkLocalhost.At(domain.Pos, len(domain.Name), "the rows of %s do not hold at localhost: mail to root@localhost goes to the account root", domain.Name).
		WithHelp("nothing to do if local accounts may get mail; VM106: ignore under checks silences this"))
}

// maxRecipients is virtual_alias_expansion_limit.
const maxRecipients = 1000

// checkRight reports a row with more recipients than cleanup(8) makes of one address.
func (v *domain) checkRight(e *entry, value string) {
	if e.To.Kind != inventory.ToList && !strings.Contains(value, ",") {
		return
	}
	if n := v.count(value); n > maxRecipients {
		v.faults.Add(checkManyRecipients.At(e.To.Pos, max(1, len(e.To.Written())), "%s has %d recipients; Postfix makes at most %d of one address, and would try for days", v.origin(e), n, maxRecipients).
			WithHelp("write {to: […], bounces_to: …}: a list with an owner becomes an alias, which may be longer"))
	}
}

// count returns the number of recipients of a right side, with those of the addresses
// of the inventory in it.
func (c *compiler) count(value string) (n int) {
	for to := range strings.SplitSeq(value, ", ") {
		n += max(1, c.size(to))
	}
	return n
}

// size returns the number of recipients of an address; -1 in a circle.
func (c *compiler) size(addr string) int {
	local, _, d, whose := c.tables.Locate(addr)
	if whose != effective.Listed {
		return 1
	}
	if n, known := c.sizes[addr]; known {
		return n
	}
	c.sizes[addr] = -1
	n := 1
	if match := c.tables.Lookup(d, local); !match.Refused && match.To.Kind == inventory.ToList {
		n = c.count(c.list(int(match.To.Index)))
	} else if next, on := c.tables.Next(&match); on {
		n = c.size(next)
	}
	c.sizes[addr] = n
	return n
}

// isAliasName reports whether a name begins as those of virtmap's aliases do.
func isAliasName(name string) bool {
	return strings.HasPrefix(strings.TrimPrefix(name, "owner-"), aliasPrefix)
}

// Check adds the faults of Compile that need no rows.
func Check(m *inventory.Model, faults *diag.List) {
	mta.CheckMap(m, mapTypes, faults)
	checkPathOf(m, faults, "mail_dir", m.Host.MailDir)
	for i := range m.Users {
		u := &m.Users[i]
		if u.Mailbox.Text == "" {
			continue
		}
		checkPathOf(m, faults, "mailbox", u.Mailbox)
		if u.UID.N == 0 {
			faults.Add(checkUID.At(u.Name.Pos, len(u.Name.Text), "%s has a mailbox and no uid, and Postfix must know as whom it writes %s", u.Name.Text, u.Mailbox.Text).
				WithHelp("write {mailbox: %s, uid: …} with the number that `id -u %s` prints", u.Mailbox.Text, u.Name.Text))
		}
	}
}

// pathChars are the characters that a path may have: main.cf expands $ and splits at
// commas and blanks, and braces group.
const pathChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+=@~%^-"

// checkPathOf reports a path with another character than pathChars.
func checkPathOf(m *inventory.Model, faults *diag.List, what string, name inventory.Name) {
	at := strings.IndexFunc(name.Text, func(c rune) bool { return !strings.ContainsRune(pathChars, c) })
	if at < 0 {
		return
	}
	char := strconv.QuoteRune([]rune(name.Text[at:])[0])
	faults.Add(checkPath.At(name.Pos, m.Sources.Span(name.Pos, name.Text), "%s %q has %s in it, which main.cf or a table would act on", what, name.Text, char).
		WithHelp("letters, digits and . _ + = @ ~ %% ^ - are allowed between the slashes"))
}
