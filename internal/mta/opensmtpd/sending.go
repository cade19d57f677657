package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// A senderCompiler makes the table of senders: a row for each user, with the addresses from
// which the user may send.
type senderCompiler struct {
	m      *inventory.Model
	faults *diag.List
	rights *senders.Rights
	all    map[string][]entry // by user: addresses, or @domain for every address of a domain
}

// compileSenders makes the table of senders. It does not depend on which domains are held
// back. Without authorise, it is empty.
func compileSenders(m *inventory.Model, faults *diag.List) (t table) {
	if !m.Submission.Authorise {
		return nil
	}
	c := senderCompiler{m: m, faults: faults, rights: senders.Of(m), all: map[string][]entry{}}
	for d := range m.Domains {
		if c.rights.Sends(d) {
			c.domain(d)
		}
	}
	c.accounts()
	for user, entries := range c.all {
		var from []string
		for _, e := range entries {
			from = append(from, escaped(e.key))
		}
		slices.Sort(from)
		t = append(t, entry{user, strings.Join(slices.Compact(from), ", "), entries[0].pos})
	}
	t.sort()
	return t
}

// may adds the right of a user to an address of a domain; an empty local part stands for
// every address.
func (c *senderCompiler) may(user, local string, d int, pos diag.Pos) {
	for _, name := range namesOf(c.m, d) {
		c.all[user] = append(c.all[user], entry{key: local + "@" + name, pos: pos})
	}
}

// domain adds the rights of a domain that sends.
func (c *senderCompiler) domain(d int) {
	listed := slices.Collect(c.rights.In(d))
	rest := listed[len(listed)-1]
	listed = listed[:len(listed)-1]
	users := map[string][]string{} // by listed local part
	for _, right := range listed {
		users[right.Local] = right.Users
		for _, user := range right.Users {
			c.may(user, right.Local, d, right.Pos)
		}
	}
	for _, user := range rest.Users {
		c.may(user, "", d, rest.Pos)
	}
	own := func(user string) bool { // by catch_all: local
		_, is := users[user]
		_, declared := c.m.User(user)
		return rest.Own && declared && !is && !rest.Has(user)
	}
	for i := range c.m.Users {
		if user := c.m.Users[i].Name.Text; own(user) {
			c.may(user, user, d, rest.Pos)
		}
	}
	for i := range listed {
		right, wider := &listed[i], rest.Users
		if name, plus := mailaddr.CutDetail(right.Local); plus != "" {
			if wider = append(slices.Clip(wider), users[name]...); own(name) {
				wider = append(wider, name)
			}
		}
		if at := slices.IndexFunc(wider, func(user string) bool { return !right.Has(user) }); at >= 0 {
			c.exception(d, right, wider[at], rest.Has(wider[at]))
			return // one fault for a domain
		}
	}
}

// exception reports an address from which a user may not send, though smtpd would allow it
// by another entry of the user: that for the whole domain, or that without the detail.
func (c *senderCompiler) exception(d int, right *senders.Right, user string, whole bool) {
	domain := c.m.Domains[d].Name
	plain, _ := mailaddr.CutDetail(right.Local)
	entry, help := plain+"@"+domain, "let "+right.Local+" be an address of "+user+" too, or leave it out"
	if whole {
		entry = "every address of " + domain + " that is not listed"
		help = "list the addresses from which " + user + " sends, and let catch_all refuse mail; or list " + user + " under the senders of " + right.Local
	}
	c.faults.Add(checkSenders.At(right.Pos, max(1, len(right.Local)), "%s may send from %s, but not from %s@%s: the table of senders of OpenSMTPD has no exceptions", user, entry, right.Local, domain).
		WithHelp("%s", help))
}

// accounts adds the right of each user to the address of the account, under every name of
// the server whose domain does not send.
func (c *senderCompiler) accounts() {
	host := c.m.Host.Name.Text
	names := slices.DeleteFunc(localNames(c.m), func(name string) bool { return c.m.Meant(name) != name }) // localhost is below
	if d, listed := c.m.Domain(host); !listed || !c.rights.Sends(d) {
		names = append(names, localhosts(host)...)
	}
	for _, name := range append(names, host) {
		if d, listed := c.m.Domain(name); listed && c.rights.Sends(d) {
			continue
		}
		for i := range c.m.Users {
			user := &c.m.Users[i].Name
			c.all[user.Text] = append(c.all[user.Text], entry{key: user.Text + "@" + name, pos: user.Pos})
		}
	}
}
