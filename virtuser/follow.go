package virtuser

import (
	"virtmap/internal/effective"
	"virtmap/inventory"
)

// Limits of following an address.
const (
	// maxLookups is the number of times that sendmail can look up a right side again.
	// Then it gives up ("excessive recursion (max 50)"). Each look-up takes about three
	// rulesets; a measurement showed that 16 look-ups are too many.
	maxLookups = 15
	// maxSteps limits a chain of targets that are followed when the table is written.
	// For such a target, sendmail needs no look-up.
	maxSteps = 100_000
	// maxGrown is the greatest length of an address, in bytes. It ends a circle in which
	// each address is longer than the one before. sendmail takes 255 bytes.
	maxGrown = 1000
	// rememberedSteps is the least number of steps to the end for which compiler.ends
	// keeps the end of an address. Most chains are shorter.
	rememberedSteps = 8
)

// An end is the result of following an address.
type end struct {
	right   string   // a name or an address, not escaped; or the right side of an error: row
	refused bool     // right is an error: row
	deadEnd string   // an address that is refused: only a rejecting catch-all matches, or the account is not declared
	loop    []string // the names of a circle
	far     bool     // more than maxSteps away; the other fields are empty then
	steps   int      // number of look-ups
}

// followed returns the right side for a target that is an address: the end of the
// address, or the address itself if its end depends on the detail. keep says that the
// row keeps the detail. what is the name of the row in messages.
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
	case forwards || a.To.Kind == inventory.ToAddress: // the next address may use the detail
	case a.Detail == inventory.DetailKeep:
		return withDetail(e.right)
	}
	if c.tables.Held(domain) { // the domain is not served: sendmail would not look the address up again
		return c.waits(t, domain, what)
	}
	return withDetail(escaped(t.Text))
}

// followFrom follows a target. what is the name of the address or user that has the
// target. The trail begins with this name, so that messages about a circle have it.
func (c *compiler) followFrom(what, target string) end {
	from := c.trail.len()
	c.trail.push(what)
	defer c.trail.cut(from)
	return c.follow(target)
}

// follow looks an address up again and again, as sendmail does with a right side that
// has a domain, until the address is outside of the inventory or is a local name. The
// trail has the addresses on the way. The end is stored for each address that is at
// least rememberedSteps away from it, so that a long chain is followed only once.
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

// step looks an address up once. on reports whether there is a next address; otherwise
// e is the end.
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

// last returns the end of a chain whose last match is m.
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

// localName returns the end at a local account. The account must be declared, because
// an undeclared one may be a typing error.
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
