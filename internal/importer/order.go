package importer

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
)

// behind is the place of an entry that the source does not have. Such an entry comes
// last.
const behind = math.MaxUint32

// place returns the place of an entry in the source, as mta.Facts.Order counts it.
func (all *entries) place(i int) uint32 {
	order := all.s.facts.Order
	switch rows := len(all.as); {
	case i >= rows && order != nil && all.dead[i-rows].at > 0:
		return all.dead[i-rows].at
	case i >= rows:
		return behind
	case order != nil:
		return order[i]
	}
	return uint32(i)
}

// inOrder returns the entries of a section in the order of the source. The result is
// valid until the next call.
func (w *writer) inOrder(d section) []uint32 {
	w.scratch = w.scratch[:0]
	for i := range d.all() {
		w.scratch = append(w.scratch, uint32(i))
	}
	if w.s.facts.Order == nil {
		return w.scratch
	}
	order := func(a, b uint32) int {
		return cmp.Or(cmp.Compare(w.entries.place(int(a)), w.entries.place(int(b))), cmp.Compare(a, b))
	}
	if !slices.IsSortedFunc(w.scratch, order) {
		slices.SortFunc(w.scratch, order)
	}
	return w.scratch
}

// bySource returns the domains of sections in the order of their first entries in the
// source.
func bySource(sections map[string]section) []string {
	return slices.SortedFunc(maps.Keys(sections), func(a, b string) int {
		return cmp.Or(cmp.Compare(sections[a].first, sections[b].first), cmp.Compare(a, b))
	})
}

// split divides the names into those of the host, which have no rows, and domains.
// The full name of the host is in neither, because an inventory has it anyway. The
// domains have the order of their first rows. A domain without rows stands behind the
// name that comes before it among the names of the server.
func (s *Server) split(sections map[string]section) (own, domains []string) {
	known := map[string]bool{s.facts.Host: true}
	follow, last := map[string][]string{}, ""
	for _, name := range s.facts.Names {
		d, hasRows := sections[name]
		switch {
		case d.listed:
			last = name
		case known[name]:
		case s.isOwn(name):
			own = append(own, name)
		case hasRows:
			d.named, last = true, name
			sections[name] = d
		default:
			follow[last] = append(follow[last], name)
		}
		known[name] = true
	}
	domains = follow[""]
	for _, name := range bySource(sections) {
		if d := sections[name]; d.listed || d.named {
			domains = append(append(domains, name), follow[name]...)
		}
	}
	return own, domains
}

// size returns about how many bytes the rows need in an inventory: most lines have the local
// part, an indent and the value.
func (all *entries) size() (n int) {
	for i := range all.as {
		key, value := all.s.rows.Row(i)
		n += len("      : \n") + max(0, bytes.LastIndexByte(key, '@')) + len(value)
	}
	return n
}
