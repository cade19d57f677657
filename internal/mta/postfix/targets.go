package postfix

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Names of domains of virtmap's own. No DNS has them (RFC 2606 section 2), and strangers
// may not send to them.
const (
	mailboxDomain = "mailbox.virtmap.invalid" // mailboxes to which virtual(8) delivers
	refusedDomain = "refused.virtmap.invalid" // ends of mail that is refused or waits
)

// A reply refuses an address.
type reply struct {
	code         int
	status, text string
}

func (r reply) temporary() bool { return r.code < 500 }

// access returns the reply as the value of a row of an access table (access(5)).
func (r reply) access() string { return strconv.Itoa(r.code) + " " + r.status + " " + r.text }

// transport returns the reply as the value of a row of a transport table, with which
// mail to the address waits or comes back.
func (r reply) transport() string {
	service := "error:"
	if r.temporary() {
		service = "retry:"
	}
	return service + r.status + " " + r.text
}

func replyOf(r inventory.Refusal) reply { return reply{r.Code, r.Status, r.Text} }

// unknown is the reply to an address that is not listed.
var unknown = reply{550, "5.1.1", "User unknown"}

// notYet is the reply while mail waits for a domain that is held back.
func notYet(domain string) reply {
	return reply{450, "4.4.4", "mail for " + domain + " is not taken here yet"}
}

// account returns the recipient for an account or an alias of the host.
func (c *compiler) account(name string) string { return name + "@" + c.host }

// value returns the recipients of a target, separated by a comma and a blank. The target
// is no refusal and no pattern. A target that leads nowhere is reported.
func (c *compiler) value(t *inventory.Target, from origin) string {
	if t.Kind != inventory.ToAddress {
		return c.recipients(t)
	}
	if _, known := c.inside[t.Pos]; !known && !c.elsewhere(t) {
		end := c.follow.From(from.String(), t.Text)
		if c.follow.Report(&end, t, from.String()) && end.Steps > limits.LookUps {
			c.faults.Add(follow.CheckTooDeep.At(t.Pos, len(t.Written()), "%s is looked up %d times before it ends, and %s gives up after %d", from.String(), end.Steps, limits.Server, limits.LookUps).
				WithHelp("let it lead to its end in fewer steps"))
		}
	}
	return c.address(t)
}

// recipients returns what value returns. An address that leads nowhere is not reported.
func (c *compiler) recipients(t *inventory.Target) string {
	switch t.Kind {
	case inventory.ToUser:
		return c.user(int(t.Index))
	case inventory.ToAlias:
		return c.account(c.m.LocalAliases[t.Index].Text)
	case inventory.ToAddress:
		return c.address(t)
	case inventory.ToDomain:
		return "@" + t.Text
	case inventory.ToList:
		return c.list(int(t.Index))
	}
	return ""
}

// elsewhere reports whether a target is an address at another server.
func (c *compiler) elsewhere(t *inventory.Target) bool {
	_, _, _, whose := c.tables.Locate(t.Text)
	return whose == effective.Elsewhere
}

// address returns the recipient for a target that is an address. Postfix looks an
// address of the inventory up again, so that the target stays as it is. An address of a
// domain that is held back is replaced by its end, because Postfix would send the mail
// to another server.
func (c *compiler) address(t *inventory.Target) string {
	local, domain, _, whose := c.tables.Locate(t.Text)
	if whose == effective.Elsewhere {
		return t.Text
	}
	if known, ok := c.inside[t.Pos]; ok {
		return known
	}
	c.inside[t.Pos] = t.Text // ends a circle
	switch {
	case whose == effective.Accounts:
		c.inside[t.Pos] = c.account(local)
	case c.tables.Held(domain):
		end := c.follow.From(t.Text, t.Text)
		c.inside[t.Pos] = c.end(&end, t.Text)
	}
	return c.inside[t.Pos]
}

// end returns the recipients at the end of an address.
func (c *compiler) end(end *follow.End, addr string) string {
	switch end.Kind {
	case follow.Elsewhere:
		return end.Addr
	case follow.Account:
		return c.account(end.Addr)
	case follow.Refused:
		local, domain, _ := mailaddr.Split(addr)
		return c.private(local, domain, c.replies[end.Index])
	case follow.User:
		return c.user(int(end.Index))
	case follow.Alias:
		return c.account(c.m.LocalAliases[end.Index].Text)
	case follow.List:
		return c.list(int(end.Index))
	}
	return addr
}

// waits reports mail that waits for a domain that is held back, once for each target.
func (c *compiler) waits(t *inventory.Target, domain string, from origin) {
	if c.waiting[t.Pos] {
		return
	}
	c.waiting[t.Pos] = true
	c.follow.Waits(t, domain, from.String())
}

// members returns the recipients of several targets, each once.
func (c *compiler) members(all []inventory.Target) []string {
	var values []string
	have := map[string]bool{}
	for i := range all {
		for value := range strings.SplitSeq(c.recipients(&all[i]), ", ") {
			if !have[value] {
				have[value] = true
				values = append(values, value)
			}
		}
	}
	return values
}

// user returns the recipients of a user.
func (c *compiler) user(i int) string {
	if c.users[i] != "" {
		return c.users[i]
	}
	u := &c.m.Users[i]
	own := c.account(u.Name.Text)
	if u.Mailbox.Text != "" {
		own = u.Name.Text + "@" + mailboxDomain
	}
	c.users[i] = own // ends a circle of users
	if u.Forward.Kind == inventory.NoTarget {
		return own
	}
	c.follow.User(i)
	forward := []inventory.Target{u.Forward}
	if u.Forward.Kind == inventory.ToList {
		forward = c.m.Lists[u.Forward.Index].Members
	}
	all := c.members(forward)
	if u.KeepCopy && !slices.Contains(all, own) {
		all = append(all, own)
	}
	c.users[i] = strings.Join(all, ", ")
	return c.users[i]
}

// kept returns the recipient that gets the detail of an address with detail: keep. ok
// is false if the detail has no meaning for the target: a list, a copy, a mailbox
// elsewhere.
func (c *compiler) kept(t *inventory.Target, from origin) (recipient string, ok bool) {
	switch t.Kind {
	case inventory.ToUser:
		u := &c.m.Users[t.Index]
		switch {
		case u.Forward.Kind == inventory.NoTarget && u.Mailbox.Text == "":
			return c.account(u.Name.Text), true
		case u.Forward.Kind == inventory.ToAddress && !u.KeepCopy:
			return c.user(int(t.Index)), true
		}
	case inventory.ToAlias, inventory.ToAddress:
		return c.value(t, from), true
	}
	return "", false
}

// private returns an address at refusedDomain to which mail for a refused address goes
// if no client of SMTP brings it. local and domain are those of the refused address.
func (c *compiler) private(local, domain string, r reply) string {
	name := unique(privateName(local, domain), func(name string) bool {
		have, taken := c.privates[name]
		return taken && have != r
	})
	c.privates[name] = r
	return name + "@" + refusedDomain
}

// privateName returns a local part for a key and its domain. A plus would begin a detail.
func privateName(local, domain string) string {
	return strings.NewReplacer("+", "=", "*", "=").Replace(local) + "=" + domain
}

// unique returns a name that is not taken. If the name is taken, a number is added.
func unique(name string, taken func(name string) bool) string {
	free := name
	for n := 2; taken(free); n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	return free
}

// localhost is in mydestination by default.
const localhost = "localhost"

// hostDomain returns the domain with which accounts are written: the name of the host.
// If the inventory has rows for this name, they would be found, and localhost, which has
// no rows, is used instead.
func hostDomain(m *inventory.Model) string {
	if _, listed := m.Serves(m.Host.Name.Text); listed {
		return localhost
	}
	return m.Host.Name.Text
}

// withDetail returns a recipient with a text behind its local part.
func withDetail(recipient, plus string) string {
	local, domain, _ := mailaddr.Split(recipient)
	return local + plus + "@" + domain
}
