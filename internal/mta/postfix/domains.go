package postfix

import (
	"slices"

	"virtmap/internal/effective"
	"virtmap/inventory"
)

// A domains sorts the domains of an inventory into the classes of Postfix
// (ADDRESS_CLASS_README). It reads each time which domains are held back.
type domains struct {
	m      *inventory.Model
	tables *effective.Tables
}

func newDomains(m *inventory.Model) domains { return domains{m, effective.Of(m)} }

// local reports whether a domain is in mydestination: its unlisted addresses are
// accounts, or it is a name of the host.
func (d domains) local(i int) bool {
	if !d.tables.HasRows(i) {
		return false
	}
	return endsLocally(d.m, d.tables, i) || d.m.IsHostName(d.m.Domains[i].Name)
}

// virtual reports whether a domain is a virtual alias domain.
func (d domains) virtual(i int) bool { return d.tables.HasRows(i) && !d.local(i) }

// relayed reports whether a domain is a relay domain.
func (d domains) relayed(i int) bool {
	domain := &d.m.Domains[i]
	return domain.Enabled && domain.Backup && !domain.Held
}

// rows returns a table of the domains of a class, and of further names.
func (d domains) rows(what string, of func(i int) bool, more ...string) *rowText {
	names := slices.Clone(more)
	for i := range d.m.Domains {
		if of(i) {
			names = append(names, namesOf(d.m.Domains[i].Name)...)
		}
	}
	slices.Sort(names)
	r := newRows(d.m, what)
	for _, name := range slices.Compact(names) {
		r.AddKey(name, "x", 0)
	}
	return r
}
