package virtuser

import (
	"virtmap/internal/effective"
	"virtmap/inventory"
)

// maxLookups is how often a right side is looked up again before sendmail
// gives up ("excessive recursion (max 50)"): each time takes about three
// rulesets, and 16 were measured to be too many. Targets that are followed to
// their end when the table is written take no look-up. maxSteps bounds their
// chains, and maxGrown ends a circle whose addresses grow: sendmail takes 255
// bytes. An end that is rememberedSteps away or more is kept in compiler.ends;
// most are nearer.
const (
	maxLookups      = 15
	maxSteps        = 100_000
	maxGrown        = 1000 // bytes
	rememberedSteps = 8
)

// An end is where an address leads when it is followed.
type end struct {
	right   string // a name or an address, literal; of an error: row its right side
	refused bool   // it is an error: row
	deadEnd string // the address that no key but a rejecting catch-all matches
	loop    []string
	far     bool // more than maxSteps away; nothing else is known of it then
	steps   int  // look-ups on the way
}

// followed gives the right side for an address target: its end, where that
// does not depend on the detail it is given, the address itself otherwise.
func (c *compiler) followed(t inventory.Target, keep bool, what string) string {
	e := c.followFrom(what, t.Text)
	if !c.reportEnd(e, t, what) {
		return escaped(t.Text)
	}
	if !e.refused {
		e.right = escaped(e.right)
	}
	if !keep {
		return e.right
	}
	local, domain, d, whose := c.tables.Locate(t.Text)
	if whose != effective.Listed {
		return withDetail(e.right)
	}
	a, ok := c.tables.Find(d, local, inventory.Plain)
	_, forwards := c.tables.Forward(&a.To)
	switch {
	case !ok || a.To.Kind == inventory.ToPattern || c.tables.HasDetailKeys(d, local):
	case a.Disabled || a.To.Kind == inventory.Refused || a.Detail == inventory.DetailDrop:
		return e.right
	case forwards || a.To.Kind == inventory.ToAddress: // the next address may know the detail
	case a.Detail == inventory.DetailKeep:
		return withDetail(e.right)
	}
	if c.tables.Held(domain) { // nobody looks the address up again
		return c.waits(t, domain, what)
	}
	return withDetail(escaped(t.Text))
}

// followFrom follows a target of what, an address or a user as messages name it.
func (c *compiler) followFrom(what, target string) end {
	from := c.trail.len()
	c.trail.push(what)
	defer c.trail.cut(from)
	return c.follow(target)
}

// follow looks an address up again and again, as sendmail does with a right
// side that has a domain, until it leaves the inventory's domains or ends at
// a name. The trail names what was passed on the way. Where that is far, the
// end is kept for every address on the way, so that a long chain is walked once.
func (c *compiler) follow(addr string) (e end) {
	from := c.trail.len()
	for on := true; on; {
		addr, e, on = c.step(addr)
	}
	e.steps += c.trail.len() - from
	for i := from; i < c.trail.len() && e.steps-(i-from) >= rememberedSteps; i++ {
		known := e
		known.steps -= i - from
		c.ends[c.trail.names[i]] = known
	}
	c.trail.cut(from)
	return e
}

// step looks an address up once: it gives the next address, or the end.
func (c *compiler) step(addr string) (next string, e end, on bool) {
	local, domain, d, whose := c.tables.Locate(addr)
	switch whose {
	case effective.Accounts:
		return "", c.localName(local, domain), false
	case effective.Elsewhere:
		return "", end{right: addr}, false
	}
	if i := c.trail.index(addr); i >= 0 {
		return "", end{loop: append(c.trail.from(i), addr)}, false
	}
	if known, ok := c.ends[addr]; ok {
		return "", known, false
	}
	switch {
	case len(addr) > maxGrown:
		return "", end{loop: append(c.trail.from(0), addr)}, false
	case c.trail.len() > maxSteps:
		return "", end{far: true}, false
	}
	c.trail.push(addr)
	m := c.tables.Lookup(d, local)
	if next, on := c.tables.Next(&m); on {
		if m.To.Kind == inventory.ToUser {
			c.constant(m.To) // reports circles of users
		}
		return next, end{}, true
	}
	return "", c.last(&m, local, domain), false
}

// last gives the end of a chain whose last match is m.
func (c *compiler) last(m *effective.Match, local, domain string) end {
	switch {
	case m.Refused:
		return end{right: c.refusal(0), refused: true}
	case m.To.Kind == inventory.Refused:
		e := end{right: c.refusal(m.To.Index), refused: true}
		if m.CatchAll {
			e.deadEnd = local + "@" + domain
		}
		return e
	case m.To.Kind == inventory.ToLocal:
		return c.localName(local, domain)
	}
	return end{right: m.WithDetail(c.constant(m.To))}
}

// localName is the end at a local account: it must be declared, because
// nobody can tell accounts from typing errors.
func (c *compiler) localName(local, domain string) end {
	user, _, _ := splitDetail(local)
	if _, ok := c.m.User(user); ok {
		return end{right: local}
	}
	if _, ok := c.m.LocalAlias(user); ok {
		return end{right: local}
	}
	return end{right: local, deadEnd: local + "@" + domain}
}
