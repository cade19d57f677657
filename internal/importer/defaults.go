package importer

import (
	"slices"
	"sort"
	"strings"

	"virtmap/inventory"
)

// roles are the addresses that the defaults of an inventory may have (RFC 2142).
var roles = []string{"postmaster", "abuse", "hostmaster", "webmaster", "security", "noc"}

// leastSharing is the least number of domains that share the role addresses of the
// defaults.
const leastSharing = 2

// A role is a role address of the defaults.
type role struct {
	name  string
	value yaml
	line  string // of the value
}

// shareRoles finds the role addresses for the defaults: every domain that takes them from
// there has the same row for the address, without a comment.
func (w *writer) shareRoles() {
	w.roles, w.sharing = nil, map[string]bool{}
	if w.entries.apart {
		return
	}
	for _, name := range w.domains {
		if w.takesDefaults(name) {
			w.sharing[name] = true
		}
	}
	if len(w.sharing) < leastSharing {
		return
	}
	first := true
	for _, name := range w.domains {
		if !w.sharing[name] {
			continue
		}
		d := w.sections[name]
		detail := w.detail(d)
		if first {
			w.roles, first = w.rolesOf(name, d, detail), false
			continue
		}
		w.roles = slices.DeleteFunc(w.roles, func(r role) bool {
			other, ok := w.role(r.name, name, d, detail)
			return !ok || other.line != r.line
		})
		if len(w.roles) == 0 {
			return
		}
	}
}

// takesDefaults reports whether a domain takes the role addresses of the defaults: it is
// no copy, no backup domain, and no name of the host.
func (w *writer) takesDefaults(name string) bool {
	_, copies := w.sources[name]
	return !copies && !w.s.Relays(name) && name != w.s.facts.Host
}

// rolesOf returns the role addresses of a domain that may be in the defaults.
func (w *writer) rolesOf(domain string, d section, detail inventory.Detail) (all []role) {
	for _, name := range roles {
		if r, ok := w.role(name, domain, d, detail); ok && !w.entries.unshared[name] {
			all = append(all, r)
		}
	}
	return all
}

// role returns a role address of a domain. ok is false when the domain does not have it,
// or when its row has a comment or parameters.
func (w *writer) role(name, domain string, d section, detail inventory.Detail) (r role, ok bool) {
	want := []byte(name + "@" + domain)
	i := d.from + sort.Search(d.to-d.from, func(n int) bool {
		key, _ := w.s.rows.Row(d.from + n)
		return inventory.CompareKeys(key, want) >= 0
	})
	if i == d.to {
		return role{}, false
	}
	e := w.entries.at(i)
	if e.key != string(want) || e.as != asWritten || len(w.s.facts.Above[e.key]) > 0 {
		return role{}, false
	}
	if m := w.s.means(e); m.Part && !m.Keeps {
		return role{}, false
	}
	v := w.value(e, detail)
	return role{name, v, v.line()}, true
}

// shared reports whether the defaults have an address of a domain.
func (w *writer) shared(local, domain string) bool {
	return len(w.roles) > 0 && w.sharing[domain] && slices.ContainsFunc(w.roles, func(r role) bool { return r.name == local })
}

// writeDefaults writes what holds for every domain.
func (w *writer) writeDefaults() {
	w.roleLines = map[int]string{}
	detail := w.writtenDetail()
	if detail == inventory.DetailDrop && len(w.roles) == 0 {
		return
	}
	w.head.print("")
	w.head.print("defaults:")
	if detail != inventory.DetailDrop {
		w.head.print("  detail: " + detailWord[detail])
	}
	if len(w.roles) > 0 {
		w.head.print("  roles:")
	}
	for _, r := range w.roles {
		first := w.head.line
		w.head.pair("    "+r.name, r.value)
		for line := first; line < w.head.line; line++ {
			w.roleLines[line+1] = r.name
		}
	}
}

// usualDetail returns what the server does with a detail.
func (s *Server) usualDetail() inventory.Detail {
	return max(s.facts.Detail, inventory.DetailDrop)
}

// writtenDetail returns the detail of the defaults.
func (w *writer) writtenDetail() inventory.Detail {
	if w.entries.apart {
		return inventory.DetailDrop
	}
	return w.s.usualDetail()
}

// detail returns the detail of a domain: that of the server, unless the catch-all, which
// has none of its own, asks for another. The catch-all is the last row.
func (w *writer) detail(d section) inventory.Detail {
	usual := w.s.usualDetail()
	if d.from == d.to {
		return usual
	}
	e := w.entries.at(d.to - 1)
	if e.key[0] != '@' || e.as != asWritten && e.as != withoutRefused {
		return usual
	}
	switch m := w.s.means(e); {
	case m.Refuses:
		return usual
	case m.Keeps && !m.Same:
		return inventory.DetailKeep
	case usual == inventory.DetailReject: // it would refuse details for the catch-all too
		return inventory.DetailDrop
	case usual == inventory.DetailKeep && !m.Same && !m.Part:
		return inventory.DetailDrop
	}
	return usual
}

// detailOf returns the word for the detail of a row, or an empty text when the row does
// as its domain, whose detail is given.
func (s *Server) detailOf(key string, kept bool, domain inventory.Detail) string {
	form := inventory.ParseForm(key[:strings.LastIndexByte(key, '@')])
	own := inventory.DetailDrop
	switch {
	case kept:
		own = inventory.DetailKeep
	case domain == inventory.DetailDrop && s.facts.DropCaught:
	case form == inventory.Plain && s.usualDetail() == inventory.DetailReject:
		own = inventory.DetailReject
	}
	if domain == inventory.DetailReject && form != inventory.Plain {
		domain = inventory.DetailDrop // only a plain address refuses details
	}
	if key[0] == '@' || own == domain || form == inventory.ExactDetail && !kept {
		return ""
	}
	return detailWord[own]
}
