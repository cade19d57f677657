package importer

import (
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// names collects the users and the local aliases in the values of an inventory.
type names struct {
	users, aliases map[string]bool
	known          map[string]string // by name: its YAML
}

func newNames() names {
	return names{map[string]bool{}, map[string]bool{}, map[string]string{}}
}

// means gives what the row of an entry says.
func (s *Server) means(e entry) mta.Meaning { return s.Means(e.key, e.right) }

// value returns the YAML of a row as it is written. keeps is true when the default of the
// domain is to keep details. The YAML may have a fault, which the parser of the inventory
// finds.
func (s *Server) value(e entry, keeps bool, n names) string {
	m := s.means(e)
	switch {
	case m.Reply.Code != 0:
		return refusal(m.Reply.Code, m.Reply.Status, m.Reply.Text)
	case m.Refuses:
		return s.answer(e.key)
	case m.Same && m.Keeps:
		return "{domain: " + scalar(m.Domain) + "}"
	}
	return withMore(s.listed(m.To, n), s.bouncesTo(m.Owner, n)+detailOf(e.key, m.Keeps, keeps))
}

// detailOf returns the YAML for the detail of a row, or an empty text when the row does
// as its domain.
func detailOf(key string, kept, keeps bool) string {
	switch form := inventory.ParseForm(key[:strings.LastIndexByte(key, '@')]); {
	case key[0] == '@' || kept == keeps:
	case kept:
		return ", detail: keep"
	case form != inventory.ExactDetail:
		return ", detail: drop"
	}
	return ""
}

// withMore returns a value with more keys than to, or only the target without them.
func withMore(to, more string) string {
	if more == "" {
		return to
	}
	return "{to: " + to + more + "}"
}

// bouncesTo returns the YAML for the owner of a list, or an empty text without an owner.
func (s *Server) bouncesTo(owner string, n names) string {
	if owner == "" {
		return ""
	}
	return ", bounces_to: " + s.target(owner, n)
}

// listed returns the YAML of a list, or of its only member.
func (s *Server) listed(members []string, n names) string {
	if len(members) == 1 {
		return s.target(members[0], n)
	}
	all := make([]string, len(members))
	for i, member := range members {
		all[i] = s.target(member, n)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// target returns the YAML of a user, a local alias or an address. A name with a detail or
// a parameter becomes an address at the host.
func (s *Server) target(to string, n names) string {
	switch {
	case strings.Contains(to, "@"):
		at := strings.LastIndexByte(to, '@')
		return scalar(to[:at] + strings.TrimSuffix(mailaddr.Lower(to[at:]), "."))
	case strings.ContainsAny(to, "+%"):
		return scalar(to + "@" + s.facts.Host)
	}
	text, known := n.known[to]
	if !known {
		text = s.name(mailaddr.Lower(to), n)
		n.known[to] = text
	}
	return text
}

// name returns the YAML of a user or a local alias.
func (s *Server) name(to string, n names) string {
	switch {
	case !inventory.IsLocalName(to): // the parser of the inventory reports it
	case s.Account(to):
		n.users[to] = true
	default:
		n.aliases[to] = true
	}
	return scalar(to)
}

// userValue returns the YAML of a user.
func (s *Server) userValue(user string, n names) string {
	var parts []string
	m := s.User(user)
	if m.Note != "" {
		parts = append(parts, "note: "+quoted(m.Note))
	}
	if m.File != "" {
		parts = append(parts, "mailbox: "+scalar(m.File))
	}
	if len(m.Forward) > 0 {
		parts = append(parts, "forward: "+s.listed(m.Forward, n), "keep_copy: true")
	}
	if len(parts) == 0 {
		return ""
	}
	return " {" + strings.Join(parts, ", ") + "}"
}

// splitRefused divides the members of a list into those that accept mail and those
// that refuse it.
func (s *Server) splitRefused(m mta.Meaning) (members, refused []string) {
	if !m.List || m.Keeps {
		return nil, nil
	}
	for _, member := range m.To {
		if s.refuses(member) {
			refused = append(refused, member)
		} else {
			members = append(members, member)
		}
	}
	return members, refused
}

// refuses reports whether a member is an address of the server that it refuses, or a
// list of only such addresses.
func (s *Server) refuses(member string) bool {
	_, domain, _ := strings.Cut(mailaddr.Lower(member), "@")
	if !s.Serves(strings.TrimSuffix(domain, ".")) {
		return false
	}
	out, _ := s.Route(member)
	return !out.Taken || len(out.Recipients) == 0
}

// nested reports whether a row is a list with a member at a domain of the server.
func (s *Server) nested(m mta.Meaning) bool {
	return m.List && !m.Keeps && slices.ContainsFunc(m.To, func(member string) bool {
		_, domain, _ := strings.Cut(mailaddr.Lower(member), "@")
		return domain != "" && s.Serves(domain)
	})
}

var plainScalar = regexp.MustCompile(`^[A-Za-z0-9_./+][A-Za-z0-9_./+@=*-]*$`)

// scalar writes a text so that YAML reads it as it is.
func scalar(text string) string {
	if plainScalar.MatchString(text) {
		return text
	}
	return quoted(text)
}

func scalars(all []string) string {
	out := make([]string, len(all))
	for i, text := range all {
		out[i] = scalar(text)
	}
	return strings.Join(out, ", ")
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
