package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
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

// Followed addresses are literal; a right side of the virtusertable doubles
// the percent sign, and so does an address of the inventory.
func literal(right string) string { return strings.ReplaceAll(right, "%%", "%") }
func escaped(addr string) string  { return strings.ReplaceAll(addr, "%", "%%") }

// A match is the key that sendmail finds for an address, in terms of the
// inventory.
type match struct {
	to       inventory.Target
	detail   inventory.Detail
	form     inventory.Form
	bound    binding
	refused  bool // by detail: reject or enabled: false
	catchAll bool
}

// lookup finds the key of domain d that local matches, in sendmail's order.
func (c *compiler) lookup(d int, local string) match {
	user, detail, plus := splitDetail(local)
	exactForm := inventory.Plain
	if plus {
		exactForm = inventory.ExactDetail
	}
	if a, ok := c.listed(d, local, exactForm); ok {
		return found(a, bind(local, local, "", false, true))
	}
	bound := bind(local, user, detail, plus, false)
	if plus {
		if m, ok := c.lookupDetail(d, user, detail, bound); ok {
			return m
		}
		if catchAll, _ := c.catchAll(d); c.detail(d) == inventory.DetailReject && catchAll.Kind != inventory.Refused {
			return match{to: catchAll, refused: true}
		}
	}
	to, _ := c.catchAll(d)
	return match{to: to, detail: c.detail(d), bound: bound, catchAll: true}
}

func (c *compiler) lookupDetail(d int, user, detail string, bound binding) (match, bool) {
	if detail != "" {
		if a, ok := c.listed(d, user+"++", inventory.SomeDetail); ok {
			return found(a, bound), true
		}
	}
	if a, ok := c.listed(d, user+"+*", inventory.AnyDetail); ok {
		return found(a, bound), true
	}
	if a, ok := c.listed(d, user, inventory.Plain); ok {
		m := found(a, bound)
		m.refused = m.refused || a.Detail == inventory.DetailReject && a.To.Kind != inventory.Refused
		return m, true
	}
	if detail != "" {
		if a, ok := c.listed(d, "++", inventory.SomeUser); ok {
			return found(a, bound), true
		}
	}
	a, ok := c.listed(d, "+*", inventory.AnyUser)
	if !ok {
		return match{}, false
	}
	return found(a, bound), true
}

func found(a inventory.Address, b binding) match {
	return match{to: a.To, detail: a.Detail, form: a.Form, bound: b, refused: a.Disabled}
}

// listed finds one key in the effective table of a domain, without building
// it.
func (c *compiler) listed(d int, key string, form inventory.Form) (inventory.Address, bool) {
	if kept, ok := c.copied[d]; ok {
		a, ok := inventory.Find(kept, key, form)
		if !ok {
			return inventory.Address{}, false
		}
		return *a, true
	}
	domain := &c.m.Domains[d]
	layers := [][]inventory.Address{domain.Addresses, domain.Roles}
	if domain.Source < 0 && !c.m.IsHostName(domain.Name) {
		layers = append(layers, c.m.Defaults.Roles)
	}
	for _, layer := range layers {
		if a, ok := inventory.Find(layer, key, form); ok {
			hit := *a
			if hit.Detail == inventory.DetailUnset {
				hit.Detail = c.detail(d)
			}
			return hit, hit.To.Kind != inventory.Removed
		}
	}
	if domain.Source < 0 {
		return inventory.Address{}, false
	}
	c.source(d) // keeps its table
	return c.listed(domain.Source, key, form)
}

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
	e := c.followFrom(what, literal(t.Text))
	if !c.reportEnd(e, t, what) {
		return t.Text
	}
	if !e.refused {
		e.right = escaped(e.right)
	}
	if !keep {
		return e.right
	}
	local, domain, _ := mailaddr.Split(t.Text)
	d, ours := c.m.Serves(hostOf(c.m, domain))
	if !ours {
		return withDetail(e.right)
	}
	a, ok := c.listed(d, local, inventory.Plain)
	_, forwards := c.forwards(a.To)
	switch {
	case !ok || a.To.HasParams() || c.hasDetailKeys(d, local):
	case a.Disabled || a.To.Kind == inventory.Refused || a.Detail == inventory.DetailDrop:
		return e.right
	case forwards || a.To.Kind == inventory.ToAddress: // the next address may know the detail
	case a.Detail == inventory.DetailKeep:
		return withDetail(e.right)
	}
	if c.held(domain) { // nobody looks the address up again
		return c.waits(t, domain, what)
	}
	return withDetail(t.Text)
}

// hostOf gives the domain that sendmail looks up: localhost, also with the
// host's domain behind it, is rewritten to the host's name before
// (cf/m4/proto.m4, ruleset canonify).
func hostOf(m *inventory.Model, domain string) string {
	host := m.Host.Name.Text
	_, behind, _ := strings.Cut(host, ".")
	if domain == "localhost" || domain == "localhost."+behind {
		return host
	}
	return domain
}

// hasDetailKeys reports whether a key of the form user+… is listed.
func (c *compiler) hasDetailKeys(d int, user string) bool {
	if hasDetailKeys(c.m.Domains[d].Addresses, user) {
		return true
	}
	source := c.m.Domains[d].Source
	if source < 0 {
		return false
	}
	return hasDetailKeys(c.source(d), user)
}

func hasDetailKeys(all []inventory.Address, user string) bool {
	first := inventory.Address{Local: user + "+", Form: inventory.ExactDetail}
	i, _ := slices.BinarySearchFunc(all, &first, func(a inventory.Address, b *inventory.Address) int { return a.Compare(b) })
	if i < len(all) && strings.HasPrefix(all[i].Local, first.Local) {
		return true
	}
	_, some := inventory.Find(all, user+"++", inventory.SomeDetail)
	_, every := inventory.Find(all, user+"+*", inventory.AnyDetail)
	return some || every
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
	local, domain, _ := mailaddr.Split(addr)
	domain = hostOf(c.m, domain)
	d, ours := c.m.Serves(domain)
	if !ours && c.m.IsHostName(domain) {
		return "", c.localName(local, domain), false
	}
	if !ours {
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
	m := c.lookup(d, local)
	if next, on := c.next(m); on {
		return next, end{}, true
	}
	return "", c.last(m, local, domain), false
}

// next gives the address that a match leads to; false when it is the end.
func (c *compiler) next(m match) (addr string, on bool) {
	if m.refused {
		return "", false
	}
	switch {
	case m.to.Kind == inventory.ToDomain:
		return m.bound[1] + m.bound[3] + "@" + m.to.Text, true
	case m.to.Kind == inventory.ToAddress && m.to.HasParams():
		return m.bound.substitute(m.to.Text), true
	case m.to.Kind == inventory.ToAddress:
		return m.onward(m.to.Text), true
	}
	forward, ok := c.forwards(m.to)
	if !ok {
		return "", false
	}
	c.constant(m.to) // reports circles of users
	return m.onward(forward), true
}

// last gives the end of a chain whose last match is m.
func (c *compiler) last(m match, local, domain string) end {
	switch {
	case m.refused:
		return end{right: c.refusal(0), refused: true}
	case m.to.Kind == inventory.Refused:
		e := end{right: c.refusal(m.to.Index), refused: true}
		if m.catchAll {
			e.deadEnd = local + "@" + domain
		}
		return e
	case m.to.Kind == inventory.ToLocal:
		return c.localName(local, domain)
	}
	right := c.constant(m.to)
	if m.keeps() {
		right = m.bound.substitute(withDetail(right))
	}
	return end{right: right}
}

// onward gives the address that an address target leads to.
func (m match) onward(target string) string {
	if m.keeps() {
		target = withDetail(target)
	}
	return m.bound.substitute(target)
}

// forwards gives the address of a user whose mail all goes to one.
func (c *compiler) forwards(t inventory.Target) (string, bool) {
	if t.Kind != inventory.ToUser {
		return "", false
	}
	u := &c.m.Users[t.Index]
	return u.Forward.Text, u.Forward.Kind == inventory.ToAddress && !u.KeepCopy
}

func (m match) keeps() bool {
	return m.detail == inventory.DetailKeep && bindsDetail(m.form)
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
