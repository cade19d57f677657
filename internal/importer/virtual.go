package importer

import (
	"fmt"
	"slices"
	"strings"
)

// onlyVirtual reports whether a domain is in class {VirtHost} and not in class w. Then
// sendmail looks up its rows, and relays mail for an address without a row.
func (s *Server) onlyVirtual(domain string) bool {
	return s.router.Virtual != nil && s.taken(domain) && domain != s.router.Host && !s.router.ClassW(domain)
}

// shownNames is the most names in a sentence.
const shownNames = 3

// virtualNote adds a note about class {VirtHost}, which an inventory cannot have: in an
// inventory its domains are in class w. entire is true when the names below them count
// too.
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
	shown := strings.Join(names[:min(len(names), shownNames)], ", ")
	if more := len(names) - shownNames; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	if entire {
		shown += " with all names below (FEATURE(`virtuser_entire_domain'))"
	}
	s.unsupported = append(s.unsupported, fmt.Sprintf(", VIRTUSER_DOMAIN: class {VirtHost} has %s; sendmail looks at their rows and passes on what has none. As domains of the inventory they are of class w", shown))
}
