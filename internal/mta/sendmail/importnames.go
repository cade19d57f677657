package sendmail

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mta"
)

// sortOut keeps the names that an inventory can have as domains, and says of each
// other name why it cannot.
func (s *Imported) sortOut(all []string) {
	for _, name := range all {
		why := mta.Unsayable(name)
		switch {
		case isAddressName(name):
			why = name + " is an address, and sendmail knows those of its host by itself"
		case strings.HasSuffix(name, "."):
			why = fmt.Sprintf("%q ends in a dot and never matches", name)
		case why == "":
			s.facts.Names = append(s.facts.Names, name)
			continue
		}
		s.leave(", a name of class w: %s", why)
	}
}

// isAddressName reports whether a name of class w is an address in brackets.
func isAddressName(name string) bool { return strings.HasPrefix(name, "[") }

// Serves reports whether sendmail looks up rows of a domain.
func (s *Imported) Serves(domain string) bool { return s.router.Asks(domain) }

// Relays reports whether mail for a domain is only relayed.
func (s *Imported) Relays(domain string) bool { return s.router.Relayed(domain) && !s.Serves(domain) }

// Account reports whether the server has an account.
func (s *Imported) Account(name string) bool { return s.router.Account(name) }

// Delivers reports whether the server has an account. Its aliases are followed.
func (s *Imported) Delivers(name string) bool { return s.Account(name) }

// Knows reports whether the aliases that stay have a name.
func (s *Imported) Knows(name string) bool {
	_, ok := s.site.Alias(name)
	return ok
}

// Unused says why sendmail never looks at the row of a key, or why no inventory can
// have it.
func (s *Imported) Unused(key string) string {
	domain := key[strings.LastIndexByte(key, '@')+1:]
	why := mta.Unsayable(domain)
	switch {
	case domain == "":
		return "there is no domain behind the @"
	case key[0] == '@' && domain != key[1:]:
		return "there is more than one @ in it"
	case isAddressName(domain):
		return domain + " is an address, and not a domain"
	case why != "" && s.Serves(domain):
		return "sendmail looks it up, and no inventory can have it: " + why
	case s.router.Rewrites(domain):
		return fmt.Sprintf("sendmail rewrites %s to %s before it looks at the virtusertable, so that the row is never looked at", domain, s.router.Host)
	case !s.Serves(domain):
		return domain + " is not in class w, so that the row is never looked at"
	}
	return ""
}

// onlyVirtual reports whether a domain is in class {VirtHost} and not in class w. Then
// sendmail looks up its rows, and relays mail for an address without a row.
func (s *Imported) onlyVirtual(domain string) bool {
	return s.router.Virtual != nil && s.Serves(domain) && domain != s.router.Host && !s.router.ClassW(domain)
}

// shownNames is the most names in a sentence.
const shownNames = 3

// virtualNote adds a note about class {VirtHost}, which an inventory cannot have: in an
// inventory its domains are in class w. entire is true when the names below them count
// too.
func (s *Imported) virtualNote(entire bool) {
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
	s.leave(", VIRTUSER_DOMAIN: class {VirtHost} has %s; sendmail looks at their rows and passes on what has none. As domains of the inventory they are of class w", shown)
}
