package opensmtpd

import (
	"maps"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

// A row is a row that is made: the key, and the address that stands for all of its
// addresses.
type row struct {
	local string // of the key; empty: the catch-all
	probe string // the local part of the probe
	pos   diag.Pos
}

// domain makes the rows of a domain, in all three tables. A domain whose other names are
// accounts has a catch-all in a table of details only if a key for every user asks for it.
func (c *compiler) domain(d int) {
	t, pos := c.tables.CatchAll(d)
	local := t.Kind == inventory.ToLocal
	c.scratch = c.tables.AppendRows(c.scratch[:0], d)
	var from [3]int
	for k := range c.rows.tables {
		keys := map[string]diag.Pos{}
		for i := range c.scratch {
			if key, ok := keyOf(&c.scratch[i], kind(k)); ok {
				keys[key] = c.scratch[i].Pos
			}
		}
		if !local {
			keys[""] = pos
		}
		from[k] = len(c.rows.tables[k])
		c.keyed(d, kind(k), keys)
	}
	if local {
		c.listLocal(d, from)
	}
}

// keyOf returns the key of an address of the inventory in a table. ok is false if the
// address has nothing to do with the table.
func keyOf(a *inventory.Address, k kind) (key string, ok bool) {
	_, detail, _ := cutDetail(a.Local)
	switch a.Form {
	case inventory.Plain:
		return a.Local, true
	case inventory.ExactDetail:
		if detail == "" {
			return a.User(), k == emptyDetail
		}
		return a.Local, k == withDetail
	case inventory.SomeDetail, inventory.SomeUser:
		return a.User(), k == withDetail
	}
	return a.User(), k != plain
}

// keyed makes the rows of keys, and of those keys of other domains on their way that give
// some of their addresses another end.
func (c *compiler) keyed(d int, k kind, keys map[string]diag.Pos) {
	name := c.m.Domains[d].Name
	todo := slices.Sorted(maps.Keys(keys))
	for len(todo) > 0 {
		r := row{local: todo[0], probe: probeOf(todo[0], k), pos: keys[todo[0]]}
		todo = todo[1:]
		goal, visits, ok := c.end(&r, name)
		if ok {
			c.add(d, k, &r, &goal)
		}
		for _, v := range visits {
			for _, key := range c.exceptions(v, r.local, k) {
				if _, have := keys[key]; !have {
					keys[key] = r.pos
					todo = append(todo, key)
				}
			}
		}
	}
}

// probeOf returns the local part of the probe of a key.
func probeOf(key string, k kind) string {
	user := key
	if key == "" {
		user = openUser
	}
	_, _, plus := cutDetail(key)
	switch {
	case plus || k == plain:
		return user
	case k == emptyDetail:
		return user + "+"
	}
	return user + "+" + openDetail
}

// exceptions returns the keys that the row with the key local needs beside it, because a
// domain on the way of its mail has keys for some of its addresses.
func (c *compiler) exceptions(v visit, local string, k kind) (keys []string) {
	user, detail, _ := cutDetail(v.local)
	switch {
	case user == openUser:
		for _, a := range c.tables.Table(v.domain) {
			if key, ok := keyOf(&a, k); ok && key != "" {
				keys = append(keys, key)
			}
		}
	case detail == openDetail:
		for _, a := range c.exact(v.domain, user) {
			if _, own, _ := cutDetail(a.Local); own != "" {
				keys = append(keys, local+"+"+own)
			}
		}
	}
	return keys
}

// add adds the row of a goal, under each name of its domain.
func (c *compiler) add(d int, k kind, r *row, goal *follow.Goal) {
	value := c.value(goal, r, c.m.Domains[d].Name)
	for _, name := range namesOf(c.m, d) {
		c.rows.tables[k] = append(c.rows.tables[k], entry{key: r.local + "@" + name, value: value, pos: r.pos})
	}
}

// namesOf returns the names under which a domain has rows: those that mean the host have
// the rows of the host's own name.
func namesOf(m *inventory.Model, d int) []string {
	name := m.Domains[d].Name
	if name != m.Host.Name.Text {
		return []string{name}
	}
	return append([]string{name}, localhosts(name)...)
}

// localhosts returns the names that mean the host.
func localhosts(host string) []string {
	_, behind, _ := strings.Cut(host, ".")
	return []string{"localhost", "localhost." + behind}
}
