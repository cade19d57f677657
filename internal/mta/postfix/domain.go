package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// An entry is a key of the effective table of a domain, with what becomes of its mail.
type entry struct {
	inventory.Address
	refused *reply // nil: the mail is taken
	bare    bool   // a plain key: the keys for any user decide its details
}

// A domain is what the rows and rules of a virtual domain are made from.
type domain struct {
	*compiler
	index   int      // in the Model
	name    string   // A-labels
	names   []string // name, and its U-labels if there are any
	local   bool     // in mydestination
	leaves  bool     // catch_all: local: the names of accounts are addresses too
	entries []entry  // in row order

	detailed bool // a key has a detail

	catchAll inventory.Target
	refused  *reply // of the catch-all; nil: it takes mail
	pos      diag.Pos
	detail   inventory.Detail // of the catch-all
}

// of works out the entries of a domain.
func (c *compiler) of(d int) *domain {
	v := &domain{compiler: c, index: d, name: c.m.Domains[d].Name, detail: c.tables.Detail(d)}
	v.names = namesOf(v.name)
	v.catchAll, v.pos = c.tables.CatchAll(d)
	c.scratch = c.tables.AppendTable(c.scratch[:0], d)
	v.entries = c.entries[:0]
	for i := range c.scratch {
		v.entries = append(v.entries, entry{Address: c.scratch[i]})
	}
	v.borrow()
	v.borrowDetails()
	c.entries = v.entries
	v.leaves = v.catchAll.Kind == inventory.ToLocal
	v.local = v.leaves || c.m.IsHostName(v.name)
	v.refused = c.refusal(&v.catchAll, v.catchAllOrigin())
	for i := range v.entries {
		e := &v.entries[i]
		v.detailed = v.detailed || e.Form != inventory.Plain
		if e.Disabled {
			e.refused = &unknown
		} else {
			e.refused = c.refusal(&e.To, v.origin(e))
		}
	}
	return v
}

// namesOf returns a domain as Postfix may get it: as A-labels and, if it has any, as
// U-labels. Postfix does not convert one form to the other.
func namesOf(name string) []string {
	if u := mailaddr.Unicode(name); u != name {
		return []string{name, u}
	}
	return []string{name}
}

// refusal returns the reply with which a target refuses mail; nil if the target takes
// mail.
func (c *compiler) refusal(t *inventory.Target, from origin) *reply {
	to := t.Text
	switch t.Kind {
	case inventory.Refused:
		return &c.replies[t.Index]
	case inventory.ToPattern:
		_, to, _ = mailaddr.Split(t.Text)
	case inventory.ToAddress:
		return c.refusalAtEnd(t, from)
	case inventory.ToDomain:
	default:
		return nil
	}
	if !c.tables.Held(to) {
		return nil
	}
	c.waits(t, to, from)
	r := notYet(to)
	return &r
}

// refusalAtEnd returns the reply at the end of a target that is an address; nil if the end
// takes mail. smtpd must refuse the first address, because Postfix would take the mail
// and bounce it.
func (c *compiler) refusalAtEnd(t *inventory.Target, from origin) *reply {
	if c.elsewhere(t) {
		return nil
	}
	if end := c.follow.From(from.String(), t.Text); end.Kind == follow.Refused && end.DeadEnd == "" {
		return &c.replies[end.Index]
	}
	return nil
}

// An origin is what has a target: an address, or the catch-all of a domain. Its text is
// made only for messages.
type origin struct{ local, domain string }

func (o origin) String() string { return follow.Label(o.local, o.domain) }

// origin returns the origin of the target of an entry.
func (v *domain) origin(e *entry) origin { return origin{e.Local, v.name} }

// catchAllOrigin returns the origin of the target of the catch-all.
func (v *domain) catchAllOrigin() origin { return origin{"", v.name} }

// exact reports whether an entry stands for one address, or for a user whose detail is
// decided by other rows or by Postfix.
func (e *entry) exact() bool { return e.Form == inventory.Plain || e.Form == inventory.ExactDetail }

// rows adds the rows of a domain to virtmap-virtual, under one of its names. A key for
// several addresses, such as sales+*, has a row too, for the reader of the text and for
// the comparison of two sets. Postfix finds this row only for sales+*@d.example itself;
// for the other addresses there is a rule.
func (v *domain) rows(name string) {
	for i := range v.entries {
		e := &v.entries[i]
		v.virtual.Add(e.Local, name, v.right(e, name), e.Pos)
	}
	if value := v.rightOfCatchAll(name); value != "" {
		v.virtual.Add("", name, value, v.pos)
	}
}

// right returns the right side of a row.
func (v *domain) right(e *entry, name string) string {
	switch {
	case e.refused != nil:
		return v.refusedRight(e.Local, name, *e.refused)
	case e.To.Kind == inventory.ToPattern:
		user, plus := e.Local, ""
		if at := len(e.User()); !e.exact() && at > 0 {
			user, plus = e.Local[:at], e.Local[at:]
		}
		return v.m.Pattern(&e.To).Expand(user, strings.TrimPrefix(plus, "+"), plus)
	}
	value := v.value(&e.To, v.origin(e))
	if !e.exact() && e.Detail == inventory.DetailKeep {
		if to, ok := v.kept(&e.To, v.origin(e)); ok {
			value = withDetail(to, e.Local[len(e.User()):])
		}
	}
	v.checkRight(e, value)
	return value
}

// refusedRight returns the right side of a refused address, for mail that no client of
// SMTP brings. The address itself, as its own right side, is unknown in a virtual
// domain. A domain of mydestination may have an account of this name.
func (v *domain) refusedRight(local, name string, r reply) string {
	switch {
	case r.temporary() && oneAddress(local):
		return v.waitingAt(local, r)
	case v.local || r.temporary():
		return v.private(local, v.name, r)
	}
	return local + "@" + name
}

// rightOfCatchAll returns the right side of the row @domain; empty if there is no such
// row, because Postfix refuses what it does not find, or because rules have the
// catch-all.
func (v *domain) rightOfCatchAll(name string) string {
	switch {
	case v.refused != nil && (v.local || v.refused.temporary()):
		return v.private("", v.name, *v.refused)
	case v.refused != nil || v.leaves:
		return ""
	case v.catchAll.Kind == inventory.ToPattern:
		p := v.m.Pattern(&v.catchAll)
		if sameLocal(p) || p.Expand("u", "d", "+d") == "u"+domainOf(p) {
			return domainOf(p)
		}
		return ""
	}
	return v.value(&v.catchAll, v.catchAllOrigin())
}

// sameLocal reports whether a pattern is the whole local part at another domain, which
// the row @domain can say.
func sameLocal(p inventory.Pattern) bool { return p.Expand("u", "d", "+d") == "u+d"+domainOf(p) }

// domainOf returns the domain of a pattern with its @.
func domainOf(p inventory.Pattern) string {
	text := p[len(p)-1].Text
	return text[strings.LastIndexByte(text, '@'):]
}

// find returns the entry of a key; nil if there is none.
func (v *domain) find(local string, form inventory.Form) *entry {
	want := inventory.Address{Local: local, Form: form}
	i, ok := slices.BinarySearchFunc(v.entries, &want, func(e entry, want *inventory.Address) int { return e.Compare(want) })
	if !ok {
		return nil
	}
	return &v.entries[i]
}
