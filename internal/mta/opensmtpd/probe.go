package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

// A probe is an address that stands for all addresses that one row is about. The end of
// the probe must be that of each of them. An open user or an open detail stands for every
// user and every detail without a row of its own.
const (
	openUser   = "virtmap-0-any-user"
	openDetail = "virtmap-0-any-detail"
)

// A visit is an address on the way of a probe, and what it matches.
type visit struct {
	domain int
	local  string
	match  effective.Match
}

// maxVisits is the number of addresses of a way that are looked at. A longer way is a
// fault (follow.CheckTooDeep).
const maxVisits = 100_000

// way returns the addresses of domains with a table on the way of an address.
func (c *compiler) way(addr string) (all []visit) {
	for on := true; on && len(all) < maxVisits; {
		local, _, d, whose := c.tables.Locate(addr)
		if whose != effective.Listed {
			return all
		}
		m := c.tables.Lookup(d, local)
		all = append(all, visit{d, local, m})
		addr, on = c.tables.Next(&m)
	}
	return all
}

// isOpen reports whether a text has an open user or detail in it.
func isOpen(text string) bool {
	return strings.Contains(text, openUser) || strings.Contains(text, openDetail)
}

// whole reports whether a local part has its open user and open detail, if it has them, as
// the whole user and the whole detail. Only then the keys that it matches are known.
func whole(local string) bool {
	user, detail, _ := cutDetail(local)
	return (user == openUser || !isOpen(user)) && (detail == openDetail || !isOpen(detail))
}

// cutDetail cuts a local part at its first plus that is not the first character.
func cutDetail(local string) (user, detail string, plus bool) {
	at := strings.IndexByte(local[min(1, len(local)):], '+')
	if at < 0 {
		return local, "", false
	}
	return local[:at+1], local[at+2:], true
}

// end returns where mail for a probe ends, and the addresses of domains with a table on its
// way. ok is false if the end is not the same for all addresses of the row; it is reported.
func (c *compiler) end(r *row, domain string) (goal follow.Goal, visits []visit, ok bool) {
	addr := r.probe + "@" + domain
	e := c.follow.From("", addr) // a label of its own would look like a circle
	if e.Kind == follow.Nowhere {
		return e.Goal, nil, true // reported at the target
	}
	visits = c.way(addr)
	for i := range visits {
		if !whole(visits[i].local) || r.local == "" && c.splits(&visits[i]) {
			c.depends(r, domain, visits[:i])
			return e.Goal, nil, false
		}
	}
	if goal = e.Goal; isOpen(goal.Addr) || isOpen(goal.Plus) && c.keeps(goal) {
		c.depends(r, domain, visits)
		return goal, visits, false
	}
	if !c.keeps(goal) || goal.Plus == "+" { // an empty detail is none
		goal.Plus = ""
	}
	return goal, visits, true
}

// splits reports whether a domain has keys for some details of a user, and the detail is
// open. For a row about every user, no key can tell these details apart.
func (c *compiler) splits(v *visit) bool {
	user, detail, _ := cutDetail(v.local)
	return user != openUser && detail == openDetail && len(c.exact(v.domain, user)) > 0
}

// exact returns the addresses of a domain that are listed with a detail of a user.
func (c *compiler) exact(d int, user string) []inventory.Address {
	all := c.tables.Table(d)
	first := inventory.Address{Local: user + "+", Form: inventory.ExactDetail}
	from, _ := slices.BinarySearchFunc(all, &first, func(a inventory.Address, b *inventory.Address) int { return a.Compare(b) })
	to := from
	for to < len(all) && all[to].Form == inventory.ExactDetail && strings.HasPrefix(all[to].Local, first.Local) {
		to++
	}
	return all[from:to]
}

// keeps reports whether a detail of a goal is added to its recipient: a list drops it, and
// a mailbox elsewhere has none.
func (c *compiler) keeps(g follow.Goal) bool {
	switch g.Kind {
	case follow.Refused, follow.List, follow.Nowhere:
		return false
	case follow.User:
		u := &c.m.Users[g.Index]
		return u.Mailbox.Text == "" && u.Forward.Kind == inventory.NoTarget
	}
	return true
}

// depends reports a row whose mail has another end for each address. visits are on the way
// to the end; the first of them that brings the difference is the reason.
func (c *compiler) depends(r *row, domain string, visits []visit) {
	label := follow.Label(r.local, domain)
	size := max(1, len(r.local))
	for i := range visits {
		to := &visits[i].match.To
		switch to.Kind {
		case inventory.ToPattern:
			c.faults.Add(checkParameter.At(r.pos, size, "%s leads to %q, which is another address for each recipient, and OpenSMTPD has no parameters", label, to.Text).
				WithHelp("list the addresses with a target each"))
			return
		case inventory.ToDomain:
			if _, served := c.m.Serves(c.m.Meant(to.Text)); !served || c.leadsLocal(to.Text) {
				c.faults.Add(checkDomain.At(r.pos, size, "%s leads to the same name at %s, whose names virtmap does not know, and OpenSMTPD has no parameters", label, to.Text).
					WithHelp("list the addresses with a target each"))
				return
			}
		}
	}
	c.faults.Add(checkKeep.At(r.pos, size, "%s keeps the detail, and OpenSMTPD has no parameters", label).
		WithHelp("write detail: drop; the header Delivered-To of the message has the whole address"))
}

// leadsLocal reports whether the other names of a domain are those of accounts.
func (c *compiler) leadsLocal(domain string) bool {
	d, ok := c.m.Serves(c.m.Meant(domain))
	if !ok {
		return false
	}
	to, _ := c.tables.CatchAll(d)
	return to.Kind == inventory.ToLocal
}
