package effective

import (
	"iter"
	"slices"
	"sync/atomic"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// Tables are the effective tables of the domains of a Model. Domains are given by their
// index in the Model.
type Tables struct {
	m         *inventory.Model
	inherited []inherited                           // by domain
	kept      []atomic.Pointer[[]inventory.Address] // by domain: the table, if other domains copy it
}

// An inherited has what a domain has itself, or from the domain it copies, or from the
// defaults.
type inherited struct {
	catchAll inventory.Target
	detail   inventory.Detail
	known    bool
	above    int32 // the next domain in the chain of copies with addresses or roles, or the last one; -1: none
	most     int   // the largest possible number of addresses of its table
}

// Of works out what each domain inherits. It follows a chain of copies from its end, so
// that it looks at every domain once.
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

// inheritedBy works out what a domain inherits. The domain that it copies must be done.
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

// HasRows reports whether mail for a domain is delivered by its table: the domain is
// enabled, is no backup domain, and is not held back.
func (t *Tables) HasRows(d int) bool {
	domain := &t.m.Domains[d]
	return domain.Enabled && !domain.Backup && !domain.Held
}

// CatchAll returns the target of the unlisted addresses of a domain, and its place in
// the inventory.
func (t *Tables) CatchAll(d int) (to inventory.Target, pos diag.Pos) {
	to = t.inherited[d].catchAll
	if to.Pos == 0 {
		return to, t.m.Domains[d].Pos
	}
	return to, to.Pos
}

// Detail returns the setting of a domain for user+detail. An address may have another
// one.
func (t *Tables) Detail(d int) inventory.Detail { return t.inherited[d].detail }

// Most returns the largest possible number of addresses in the table of a domain.
func (t *Tables) Most(d int) int { return t.inherited[d].most }

// Original returns the last domain in the chain of copies of a domain; without a copy,
// the domain itself.
func (t *Tables) Original(d int) int {
	for t.m.Domains[d].Source >= 0 {
		d = int(t.inherited[d].above)
	}
	return d
}

// Layers yields the layers of the table of a domain, as the inventory has them. The
// first layer with a key wins.
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

// own returns the layers of a domain without those of the domain it copies.
func (t *Tables) own(d int) [3][]inventory.Address {
	domain := &t.m.Domains[d]
	own := [3][]inventory.Address{domain.Addresses, domain.Roles}
	if domain.Source < 0 && !t.m.IsHostName(domain.Name) {
		own[2] = t.m.Defaults.Roles
	}
	return own
}

// Table returns the effective table of a domain in row order. No Detail is DetailUnset.
// The caller must not change the table.
func (t *Tables) Table(d int) []inventory.Address {
	if kept := t.kept[d].Load(); kept != nil {
		return *kept
	}
	if domain := &t.m.Domains[d]; domain.Source >= 0 && addsNothing(domain) {
		return t.source(d)
	}
	return t.AppendTable(nil, d)
}

// source returns the table of the domain that a domain copies. The table is kept.
func (t *Tables) source(d int) []inventory.Address {
	source := t.m.Domains[d].Source
	table := t.Table(source)
	if t.kept[source].Load() == nil {
		t.kept[source].Store(&table)
	}
	return table
}

// AppendTable appends the effective table of a domain, in row order.
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

// overlay merges two sorted tables and appends the result. Keys of over win, and keys
// that over removes are left out.
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

// appendTaken appends addresses, except those that are removed.
func appendTaken(all, more []inventory.Address) []inventory.Address {
	for i := range more {
		if more[i].To.Kind != inventory.Removed {
			all = append(all, more[i])
		}
	}
	return all
}

// MaxRows is the limit of rows. Copies of copies could become many more.
const MaxRows = 10_000_000

// TooMany reports whether the rows of all domains may be more than MaxRows, before they
// are made. It adds a fault of a check at the first domain with whose rows they are.
// table is the name of the table.
func (t *Tables) TooMany(check *diag.Check, table string, faults *diag.List) bool {
	rows := 0
	for d := range t.m.Domains {
		if rows += 1 + t.Most(d); rows > MaxRows {
			domain := &t.m.Domains[d]
			faults.Add(check.At(domain.Pos, len(domain.Name), "with the rows of %s the %s has more than %d", domain.Name, table, MaxRows).
				WithHelp("split the inventory: several hosts can have one each"))
			return true
		}
	}
	return false
}
