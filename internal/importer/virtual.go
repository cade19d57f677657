package importer

import (
	"fmt"
	"slices"
	"strings"
)

// onlyVirtual reports whether a domain is taken for class {VirtHost} alone: its
// rows are looked at, and what has none is passed on.
func (s *Server) onlyVirtual(domain string) bool {
	return s.router.Virtual != nil && s.taken(domain) && domain != s.router.Host && !s.router.ClassW(domain)
}

// shownNames is how many names a sentence has.
const shownNames = 3

// virtualNote says what no inventory can say of class {VirtHost}: its domains
// are class w where an inventory has them. entire: the names below them too.
func (s *Server) virtualNote(entire bool) {
	var names []string
	for _, name := range s.set.Virtual() {
		if s.onlyVirtual(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	names = slices.Compact(names)
	said := strings.Join(names[:min(len(names), shownNames)], ", ")
	if more := len(names) - shownNames; more > 0 {
		said += fmt.Sprintf(" and %d more", more)
	}
	if entire {
		said += " with all names below (FEATURE(`virtuser_entire_domain'))"
	}
	s.unsupported = append(s.unsupported, fmt.Sprintf(", VIRTUSER_DOMAIN: class {VirtHost} has %s; sendmail looks at their rows and passes on what has none. As domains of the inventory they are of class w", said))
}
