package importer

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// names collects the users and the local aliases in the values of an inventory.
type names struct {
	users, aliases map[string]bool
	known          map[string]string // by name: its scalar
}

func newNames() names {
	return names{map[string]bool{}, map[string]bool{}, map[string]string{}}
}

// means gives what the row of an entry says.
func (s *Server) means(e entry) mta.Meaning { return s.Means(e.key, e.right) }

// value returns the value of a row as it is written. detail is that of its domain. The
// value may have a fault, which the parser of the inventory finds.
func (s *Server) value(e entry, detail inventory.Detail, n names) yaml {
	m := s.means(e)
	switch {
	case m.Reply.Code != 0:
		return yaml{text: refusal(m.Reply.Code, m.Reply.Status, m.Reply.Text)}
	case m.Refuses:
		return yaml{text: s.answer(e.key)}
	case m.Same && m.Keeps:
		return yaml{text: "{domain: " + scalar(m.Domain) + "}"}
	}
	return s.long(m.To, m.Owner, s.detailOf(e.key, m.Keeps, detail), n)
}

// long returns a list or its only member, with the owner of the list and the word for
// the detail, which may be empty.
func (s *Server) long(members []string, owner, detail string, n names) yaml {
	to := s.listed(members, n)
	if owner == "" && detail == "" {
		return to
	}
	all := append(make([]field, 0, 3), field{"to", to})
	if owner != "" {
		all = append(all, field{"bounces_to", yaml{text: s.target(owner, n)}})
	}
	if detail != "" {
		all = append(all, field{"detail", yaml{text: detail}})
	}
	return yaml{keys: all}
}

// listed returns a list, or its only member.
func (s *Server) listed(members []string, n names) yaml {
	if len(members) == 1 {
		return yaml{text: s.target(members[0], n)}
	}
	all := make([]string, len(members))
	for i, member := range members {
		all[i] = s.target(member, n)
	}
	return yaml{items: all}
}

// target returns the scalar of a user, a local alias or an address. A name with a detail or
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

// name returns the scalar of a user or a local alias.
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

// userValue returns the value of a user. fileless says that the server of the inventory
// cannot deliver to the file of the user.
func (s *Server) userValue(user string, fileless bool, n names) (v yaml) {
	m := s.User(user)
	if m.Note != "" {
		v.keys = append(v.keys, field{"note", yaml{text: quoted(m.Note)}})
	}
	if m.File != "" && !fileless {
		v.keys = append(v.keys, field{"mailbox", yaml{text: scalar(m.File)}})
		if m.UID != "" {
			v.keys = append(v.keys, field{"uid", yaml{text: scalar(m.UID)}})
		}
		if m.GID != "" {
			v.keys = append(v.keys, field{"gid", yaml{text: scalar(m.GID)}})
		}
	}
	if len(m.Forward) > 0 {
		v.keys = append(v.keys, field{"forward", s.listed(m.Forward, n)}, field{"keep_copy", yaml{text: "true"}})
	}
	return v
}

// comment returns the comment above a user; empty: there is none.
func (s *Server) comment(user string, fileless bool) string {
	m := s.User(user)
	if fileless && m.File != "" {
		return fmt.Sprintf("The mailbox was %s, and %s does not deliver there: name the account that gets the mail.", m.File, s.kind.Name)
	}
	return m.Comment
}

// splitRefused divides the members of a list into those that accept mail and those
// that refuse it.
func (s *Server) splitRefused(m mta.Meaning) (members, refused []string) {
	if !m.List || m.Keeps && s.facts.Detail != inventory.DetailKeep {
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

// isPlainScalar reports whether YAML reads a text as it is.
func isPlainScalar(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '/', c == '+':
		case i > 0 && (c == '@' || c == '=' || c == '*' || c == '-'):
		default:
			return false
		}
	}
	return text != ""
}

// scalar writes a text so that YAML reads it as it is.
func scalar(text string) string {
	if isPlainScalar(text) {
		return text
	}
	return quoted(text)
}

// scalars returns a list of texts.
func scalars(all []string) yaml {
	out := make([]string, len(all))
	for i, text := range all {
		out[i] = scalar(text)
	}
	return yaml{items: out}
}

func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
