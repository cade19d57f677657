package effective

import (
	"iter"
	"slices"
	"sync/atomic"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// Tables are the effective tables of the domains of a Model. Domains are named by
// their index in it.
type Tables struct {
	m         *inventory.Model
	inherited []inherited                           // by domain
	kept      []atomic.Pointer[[]inventory.Address] // by domain: the table, of those that others copy
}

// inherited is what a domain has of its own, of the domain it copies, or of the
// defaults.
type inherited struct {
	catchAll inventory.Target
	detail   inventory.Detail
	known    bool
	above    int32 // of the domains it copies, the next with addresses or roles, or the last; -1: none
	most     int   // addresses of its table, at most
}

// Of works out what each domain inherits: along a chain of copies from the end,
// so that every domain is looked at once.
func Of(m *inventory.Model) *Tables {
	t := &Tables{
		m: m, inherited: make([]inherited, len(m.Domains)),
		kept: make([]atomic.Pointer[[]inventory.Address], len(m.Domains)),
	}
	var chain []int
	for i := range m.Domains {
		for d := i; d >= 0 && !t.inherited[d].known; d = m.Domains[d].Source {
			chain = append(chain, d)
		}
		for ; len(chain) > 0; chain = chain[:len(chain)-1] {
			d := chain[len(chain)-1]
			t.inherited[d] = t.inheritedBy(&m.Domains[d])
		}
	}
	return t
}

// inheritedBy is what a domain has when that of the domain it copies is known.
func (t *Tables) inheritedBy(d *inventory.Domain) inherited {
	has := inherited{catchAll: t.m.Defaults.CatchAll, detail: t.m.Defaults.Detail, above: -1, most: len(t.m.Defaults.Roles)}
	if d.Source >= 0 {
		has = t.inherited[d.Source]
		if source := &t.m.Domains[d.Source]; source.Source < 0 || !addsNothing(source) {
			has.above = int32(d.Source)
		}
	}
	if d.CatchAll.Kind != inventory.NoTarget {
		has.catchAll = d.CatchAll
	}
	if d.Detail != inventory.DetailUnset {
		has.detail = d.Detail
	}
	has.most += len(d.Addresses) + len(d.Roles)
	has.known = true
	return has
}

// addsNothing reports whether a domain has no addresses and roles of its own.
func addsNothing(d *inventory.Domain) bool { return len(d.Addresses)+len(d.Roles) == 0 }

// HasRows reports whether mail for a domain is delivered by its table: it is
// enabled, no backup, and not held back.
func (t *Tables) HasRows(d int) bool {
	domain := &t.m.Domains[d]
	return domain.Enabled && !domain.Backup && !domain.Held
}

// CatchAll is where the unlisted addresses of a domain go, and the place that says
// so.
func (t *Tables) CatchAll(d int) (to inventory.Target, pos diag.Pos) {
	to = t.inherited[d].catchAll
	if to.Pos == 0 {
		return to, t.m.Domains[d].Pos
	}
	return to, to.Pos
}

// Detail is what becomes of user+detail at a domain, where its address does not
// say it.
func (t *Tables) Detail(d int) inventory.Detail { return t.inherited[d].detail }

// Most is how many addresses the table of a domain has at most.
func (t *Tables) Most(d int) int { return t.inherited[d].most }

// Original is the domain that a domain copies in the end, or itself.
func (t *Tables) Original(d int) int {
	for t.m.Domains[d].Source >= 0 {
		d = int(t.inherited[d].above)
	}
	return d
}

// Layers gives what the table of a domain is made of as it is written: the
// addresses that come first before the others.
func (t *Tables) Layers(d int) iter.Seq[[]inventory.Address] {
	return func(yield func([]inventory.Address) bool) {
		for ; d >= 0; d = int(t.inherited[d].above) {
			for _, layer := range t.own(d) {
				if !yield(layer) {
					return
				}
			}
		}
	}
}

// own are the layers of a domain without the domain it copies.
func (t *Tables) own(d int) [3][]inventory.Address {
	domain := &t.m.Domains[d]
	own := [3][]inventory.Address{domain.Addresses, domain.Roles}
	if domain.Source < 0 && !t.m.IsHostName(domain.Name) {
		own[2] = t.m.Defaults.Roles
	}
	return own
}

// Table gives the effective table of a domain in row order, each address with
// its detail settled. It is not to be changed.
func (t *Tables) Table(d int) []inventory.Address {
	if kept := t.kept[d].Load(); kept != nil {
		return *kept
	}
	if domain := &t.m.Domains[d]; domain.Source >= 0 && addsNothing(domain) {
		return t.source(d)
	}
	return t.AppendTable(nil, d)
}

// source is the table of the domain that one copies, which is kept.
func (t *Tables) source(d int) []inventory.Address {
	source := t.m.Domains[d].Source
	table := t.Table(source)
	if t.kept[source].Load() == nil {
		t.kept[source].Store(&table)
	}
	return table
}

// AppendTable appends the effective table of a domain, in row order, to others.
func (t *Tables) AppendTable(all []inventory.Address, d int) []inventory.Address {
	if kept := t.kept[d].Load(); kept != nil {
		return append(all, *kept...)
	}
	own := t.own(d)
	base := own[2]
	if t.m.Domains[d].Source >= 0 {
		base = t.source(d)
	}
	if len(own[1]) > 0 {
		base = overlay(nil, base, own[1])
	}
	from := len(all)
	all = overlay(all, base, own[0])
	for i := range all[from:] {
		if a := &all[from+i]; a.Detail == inventory.DetailUnset {
			a.Detail = t.Detail(d)
		}
	}
	return all
}

// overlay appends two sorted tables as one; the second wins, and what it takes
// away is gone.
func overlay(all, base, over []inventory.Address) []inventory.Address {
	all = slices.Grow(all, len(base)+len(over))
	for len(base) > 0 && len(over) > 0 {
		order := base[0].Compare(&over[0])
		if order < 0 {
			all, base = appendTaken(all, base[:1]), base[1:]
			continue
		}
		if order == 0 {
			base = base[1:]
		}
		all, over = appendTaken(all, over[:1]), over[1:]
	}
	return appendTaken(appendTaken(all, base), over)
}

// appendTaken appends addresses, but for those that are taken away.
func appendTaken(all, more []inventory.Address) []inventory.Address {
	for i := range more {
		if more[i].To.Kind != inventory.Removed {
			all = append(all, more[i])
		}
	}
	return all
}
