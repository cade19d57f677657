package virtuser

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// reportLoop reports a circle once. The first and the last name of loop are the same. A
// circle that comes from compiler.ends again is recognized by its memory address.
func (c *compiler) reportLoop(loop []string, pos diag.Pos, size int) {
	if c.reported[&loop[0]] {
		return
	}
	c.reported[&loop[0]] = true
	names := slices.Clone(loop[1:])
	slices.Sort(names)
	id := strings.Join(slices.Compact(names), " ")
	if c.loops[id] {
		return
	}
	c.loops[id] = true
	shown := slices.Compact(slices.Clone(loop)) // an address and its list are one step
	if len(shown) == 1 {
		shown = append(shown, shown[0])
	}
	if len(shown) > 8 {
		shown = append(slices.Clone(shown[:7]), fmt.Sprintf("… (%d steps)", len(loop)-1))
	}
	c.faults.Add(checkLoop.At(pos, size, "mail runs in a circle: %s", strings.Join(shown, " -> ")).
		WithHelp("let one of them go to a user"))
}

// walkSample follows a row whose end depends on the address. It uses addresses that
// match the key, in order to find circles that only appear then. a is nil for the
// catch-all.
func (c *compiler) walkSample(d int, a *inventory.Address, value string) {
	at := strings.LastIndexByte(value, '@')
	if at < 0 || !strings.Contains(value, "%") || strings.HasPrefix(value, "error:") {
		return
	}
	if _, _, _, whose := c.tables.Locate(value); whose != effective.Listed {
		return
	}
	domain := c.m.Domains[d].Name
	t, pos := c.tables.CatchAll(d)
	key, size := "", max(1, len(t.Written()))
	if a != nil {
		key, pos, size = a.Local, a.Pos, len(a.Local)
	}
	for _, local := range c.samples(d, key) {
		e := c.follow(local + "@" + domain)
		if e.loop != nil {
			c.reportLoop(e.loop, pos, size)
			return
		}
		if again := e.steps - 1; again > maxLookups {
			c.faults.Add(checkTooDeep.At(pos, size, "%s@%s is looked up %d times before it ends, and sendmail gives up after %d", local, domain, again, maxLookups).
				WithHelp("let it lead to its end in fewer steps"))
			return
		}
	}
}

// samples returns local parts that match a key of a domain; for a plain key also one
// with a detail. The empty key is the catch-all.
func (c *compiler) samples(d int, key string) []string {
	unlisted := inventory.Unlisted(func(name string) bool {
		_, ok := c.tables.Find(d, name, inventory.Plain)
		return ok
	})
	local := inventory.Samples{User: unlisted, Detail: "detail"}.Of(key)
	if inventory.ParseForm(key) == inventory.Plain {
		return []string{local, local + "+detail"}
	}
	return []string{local}
}

// reportEnd reports a target that leads nowhere. The result is false for a circle or a
// chain that is too long.
func (c *compiler) reportEnd(e end, t inventory.Target, what string) bool {
	switch {
	case e.loop != nil:
		c.reportLoop(e.loop, t.Pos, len(t.Written()))
		return false
	case e.far && c.far:
		return false // only the first such chain is reported
	case e.far:
		c.far = true
		c.faults.Add(checkTooDeep.At(t.Pos, len(t.Written()), "%s leads through more than %d addresses", what, maxSteps).
			WithHelp("let one of them name the end"))
		return false
	case e.deadEnd != "":
		_, domain, _ := mailaddr.Split(e.deadEnd)
		way := t.Written()
		if e.deadEnd != t.Text {
			way += " and on to " + e.deadEnd
		}
		c.faults.Add(checkDeadTarget.At(t.Pos, len(t.Written()), "%s goes to %s, which is not listed at %s and is refused there", what, way, domain).
			Concerning("target %q", t.Written()).
			WithHelp("%s", c.nearestAddress(e.deadEnd)))
		return false
	}
	return true
}

// nearestAddress says what to write instead of an address that is refused.
func (c *compiler) nearestAddress(addr string) string {
	local, domain, _ := mailaddr.Split(addr)
	d, listed := c.m.Serves(domain)
	if !listed {
		return "declare " + local + " under users: " + domain + " is this server's own name"
	}
	if catchAll, _ := c.tables.CatchAll(d); catchAll.Kind == inventory.ToLocal {
		return "declare " + local + " under users, if the server has an account of that name"
	}
	entries := c.tables.Table(d)
	words := diag.Words{Names: func(yield func(string) bool) {
		for i := range entries {
			if !yield(entries[i].Local) {
				return
			}
		}
	}}
	if near, ok := words.Nearest(local); ok {
		return "the nearest address there is " + near + "@" + domain
	}
	return "list " + local + " under the addresses of " + domain + ", or write another target"
}
