package importer

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// degrade gives the entries with faults their next form, and reports whether there
// are such entries. A role of the defaults with a fault goes back to its domains, where
// each row has the fault.
func (w *writer) degrade(m *inventory.Model, faults *diag.List) (changed bool) {
	lowered := map[int]bool{}
	for _, f := range faults.Faults() {
		if faults.Severity(f.Check) != diag.Error {
			continue
		}
		for _, pos := range []diag.Pos{f.Pos, f.Also} {
			place, ok := m.Sources.Place(pos)
			if !ok {
				continue
			}
			if role, shared := w.roleLines[place.Line]; shared {
				w.entries.unshared[role], changed = true, true
				break
			}
			i, known := w.of(place.Line)
			if !known {
				continue
			}
			if !lowered[i] {
				w.s.lower(w.entries, i, f.Text)
			}
			lowered[i], changed = true, true
			break
		}
	}
	changed = w.dropFiles(m, faults) || changed
	return changed || w.dropDomains(m, faults)
}

// dropFiles takes the files of users out that are at fault, and reports whether there were
// any.
func (w *writer) dropFiles(m *inventory.Model, faults *diag.List) (changed bool) {
	line := func(pos diag.Pos) int {
		place, _ := m.Sources.Place(pos)
		return place.Line
	}
	for _, f := range faults.Faults() {
		at := slices.IndexFunc(m.Users, func(u inventory.User) bool { return line(u.Name.Pos) == line(f.Pos) })
		if at < 0 || faults.Severity(f.Check) != diag.Error {
			continue
		}
		name := m.Users[at].Name.Text
		changed = changed || !w.entries.fileless[name]
		w.entries.fileless[name] = true
	}
	return changed
}

// dropDomains leaves the rows of domains out that are at fault themselves, and
// reports whether there were any.
func (w *writer) dropDomains(m *inventory.Model, faults *diag.List) (changed bool) {
	for _, f := range faults.Faults() {
		at := slices.IndexFunc(m.Domains, func(d inventory.Domain) bool { return d.Pos == f.Pos })
		if at < 0 || faults.Severity(f.Check) != diag.Error {
			continue
		}
		for i := range w.entries.as {
			if e := w.entries.at(i); e.as != asComment && e.domain() == m.Domains[at].Name {
				w.entries.write(i, asComment, f.Text)
				changed = true
			}
		}
	}
	return changed
}

// lowerNested gives every list with a member at a domain of the server its next form.
func (w *writer) lowerNested() {
	for i, as := range w.entries.as {
		if as == asComment {
			continue
		}
		if w.s.nested(w.s.means(w.entries.at(i))) {
			w.s.lower(w.entries, i, "it is one of many lists that lead to each other; name the users themselves")
		}
	}
}
