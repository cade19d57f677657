package postfix

import (
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/mailaddr"
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
		mta.CheckKey(v.m, &e.Address, v.name, checkKeyLong, v.faults)
		v.checkPattern(e, v.follow.Sample(v.index, &e.Address))
	}
	catchAll := inventory.Address{To: v.catchAll, Pos: v.pos, Detail: v.detail}
	v.follow.Params(&catchAll)
	v.follow.Sample(v.index, &catchAll)
}

// checkPattern reports a target that makes other addresses, some of which are refused:
// smtpd(8) looks only at the address that the client gives, and takes it. returned is one.
func (v *domain) checkPattern(e *entry, returned string) {
	if returned == "" || e.refused != nil || e.To.Kind != inventory.ToPattern {
		return
	}
	_, domain, _ := mailaddr.Split(e.To.Text)
	v.faults.Add(checkReturned.At(e.To.Pos, len(e.To.Text), "%s leads to an address that is refused, and Postfix finds it out when it has taken the mail: it comes back to its sender", returned).
		WithHelp("list the addresses with a target each, or let %s take every name", domain))
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
	paths.Take(m, "mail_dir", m.Host.MailDir, faults)
	for i := range m.Users {
		u := &m.Users[i]
		paths.Take(m, "mailbox", u.Mailbox, faults)
		mta.CheckUID(u, checkUID, "Postfix", faults)
	}
}

// paths are those that main.cf takes literally: it expands $ and splits at commas and
// blanks, and braces group.
var paths = mta.Paths{Check: checkPath, Signs: "._+=@~%^-", Acts: "main.cf or a table"}
