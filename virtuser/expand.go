package virtuser

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// entries gives the effective table of a domain in row order, each address with
// its detail settled.
func (c *compiler) entries(d int) []inventory.Address {
	if kept, ok := c.copied[d]; ok {
		return kept
	}
	domain := &c.m.Domains[d]
	if domain.Source >= 0 && len(domain.Addresses) == 0 && len(domain.Roles) == 0 {
		return c.source(d)
	}
	settled := slices.Clone(c.layers(d, &scratch{}))
	for i := range settled {
		settled[i].Detail = settle(settled[i].Detail, c.detail(d))
	}
	return settled
}

// source gives the effective table of the domain that one copies, and keeps it.
func (c *compiler) source(d int) []inventory.Address {
	source := c.m.Domains[d].Source
	kept, ok := c.copied[source]
	if !ok {
		kept = c.entries(source)
		c.copied[source] = kept
	}
	return kept
}

// settle gives the detail of an address, which may be left to its domain.
func settle(own, domain inventory.Detail) inventory.Detail {
	if own == inventory.DetailUnset {
		return domain
	}
	return own
}

// A scratch is where tables are merged.
type scratch [2][]inventory.Address

// layers lays the tables of a domain over each other: what it copies from
// another by same_as or has of the default roles, over that its own roles, over
// that its own addresses. The table is in the room, or the inventory's own.
//
// The tables of domains that others copy are kept, and one that adds nothing
// is its source's: a long chain of copies costs no more than its rows.
func (c *compiler) layers(d int, in *scratch) []inventory.Address {
	if kept, ok := c.copied[d]; ok {
		return kept
	}
	domain := &c.m.Domains[d]
	var base []inventory.Address
	switch {
	case domain.Source >= 0:
		base = c.source(d)
	case !c.m.IsHostName(domain.Name):
		base = c.m.Defaults.Roles
	}
	base = overlay(&in[0], base, domain.Roles)
	return overlay(&in[1], base, domain.Addresses)
}

// overlay merges two sorted tables; the second wins, and what it takes away is
// gone. The result is in the place for it, or one of the two.
func overlay(in *[]inventory.Address, base, over []inventory.Address) []inventory.Address {
	switch {
	case len(over) == 0 && !slices.ContainsFunc(base, removed):
		return base
	case len(base) == 0 && !slices.ContainsFunc(over, removed):
		return over
	}
	merged := slices.Grow((*in)[:0], len(base)+len(over))
	for len(base) > 0 || len(over) > 0 {
		order := 0
		switch {
		case len(base) == 0:
			order = 1
		case len(over) == 0:
			order = -1
		default:
			order = base[0].Compare(&over[0])
		}
		if order < 0 {
			merged, base = append(merged, base[0]), base[1:]
			continue
		}
		if order == 0 {
			base = base[1:]
		}
		merged, over = append(merged, over[0]), over[1:]
	}
	*in = slices.DeleteFunc(merged, removed)
	return *in
}

func removed(a inventory.Address) bool { return a.To.Kind == inventory.Removed }

// inherited is what a domain has of its own, its source or the defaults.
type inherited struct {
	detail   inventory.Detail
	catchAll inventory.Target
	rows     int // at most
	known    bool
}

// inherit works out what each domain inherits: along a chain of copies from
// the end, so that every domain is looked at once.
func (c *compiler) inherit() {
	c.inherited = make([]inherited, len(c.m.Domains))
	var chain []int
	for i := range c.m.Domains {
		for d := i; d >= 0 && !c.inherited[d].known; d = c.m.Domains[d].Source {
			chain = append(chain, d)
		}
		for ; len(chain) > 0; chain = chain[:len(chain)-1] {
			d := chain[len(chain)-1]
			domain := &c.m.Domains[d]
			from := inherited{detail: c.m.Defaults.Detail, catchAll: c.m.Defaults.CatchAll, rows: len(c.m.Defaults.Roles)}
			if domain.Source >= 0 {
				from = c.inherited[domain.Source]
			}
			if domain.Detail != inventory.DetailUnset {
				from.detail = domain.Detail
			}
			if domain.CatchAll.Kind != inventory.NoTarget {
				from.catchAll = domain.CatchAll
			}
			from.rows += len(domain.Addresses) + len(domain.Roles)
			from.known = true
			c.inherited[d] = from
		}
	}
}

// detail is what becomes of user+detail at a domain.
func (c *compiler) detail(d int) inventory.Detail { return c.inherited[d].detail }

// catchAll is where the unlisted addresses of a domain go, and the place that
// says so.
func (c *compiler) catchAll(d int) (inventory.Target, diag.Pos) {
	t := c.inherited[d].catchAll
	if t.Pos == 0 {
		return t, c.m.Domains[d].Pos
	}
	return t, t.Pos
}

// withRefusedDetails adds the rows that detail: reject asks for: user+* where
// user is listed, +* where the catch-all takes mail.
func (c *compiler) withRefusedDetails(d int, all []inventory.Address) []inventory.Address {
	var extra []inventory.Address
	for i := range all {
		a := &all[i]
		if a.Form == inventory.Plain && settle(a.Detail, c.detail(d)) == inventory.DetailReject && a.To.Kind != inventory.Refused && !a.Disabled {
			extra = append(extra, refusedKey(a.Local+"+*", inventory.AnyDetail, a.Pos))
		}
	}
	catchAll, pos := c.catchAll(d)
	if c.detail(d) == inventory.DetailReject && catchAll.Kind != inventory.Refused {
		extra = append(extra, refusedKey("+*", inventory.AnyUser, pos))
	}
	if len(extra) == 0 {
		return all
	}
	slices.SortFunc(extra, func(a, b inventory.Address) int { return a.Compare(&b) })
	return overlay(new([]inventory.Address), extra, all) // what is listed wins
}

func refusedKey(key string, form inventory.Form, pos diag.Pos) inventory.Address {
	return inventory.Address{Local: key, Form: form, Pos: pos, To: inventory.Target{Kind: inventory.Refused, Pos: pos}}
}
