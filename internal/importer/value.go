package importer

import (
	"bytes"
	"regexp"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// names collects the users and the local aliases in the values of an inventory.
type names struct {
	users, aliases map[string]bool
	known          map[string]recipients // by right side: its YAML
}

func newNames() names {
	return names{map[string]bool{}, map[string]bool{}, map[string]recipients{}}
}

// recipients are the YAML of a recipient or a list, and of the owner who gets its
// bounces.
type recipients struct{ to, owner string }

// value returns the YAML of a right side. keeps is true when the default of the domain
// is to keep details. The YAML may have a fault, which the parser of the inventory
// finds.
func (s *Server) value(key, right string, keeps bool, n names) string {
	if refusal, ok := refusalOf(right); ok {
		return refusal
	}
	if isError(right) {
		return s.answer(key)
	}
	if domain, kept, ok := sameAt(key, right); ok && kept {
		return "{domain: " + scalar(domain) + "}"
	}
	bare, kept := keptDetail(right)
	to, owner := s.knownTo(bare, n)
	return withMore(to, owner+detailOf(key, kept, keeps))
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

// sameAt returns the domain of a row that leads every name to the same name there. kept
// reports whether the names keep their details.
func sameAt(key, right string) (domain string, kept, ok bool) {
	to, domain, ok := strings.Cut(right, "@")
	kept = to == "%1%3"
	return domain, kept, ok && key[0] == '@' && (kept || to == "%1") && !strings.Contains(domain, "%")
}

// keptDetail removes %3 from a name. kept reports whether there was one: %3 adds the
// detail.
func keptDetail(right string) (bare string, kept bool) {
	bare, kept = strings.CutSuffix(right, "%3")
	if !kept || bare == "" || strings.ContainsAny(bare, "@%") {
		return right, false
	}
	return bare, true
}

// knownTo returns the result of to, which it computes once for every name.
func (s *Server) knownTo(right string, n names) (to, owner string) {
	if strings.Contains(right, "@") {
		return s.to(right, n)
	}
	r, known := n.known[right]
	if !known {
		r.to, r.owner = s.to(right, n)
		n.known[right] = r
	}
	return r.to, r.owner
}

// to returns the YAML of a right side, and for a list also that of its owner.
func (s *Server) to(right string, n names) (to, owner string) {
	if name, direct := strings.CutPrefix(right, `\`); direct && s.direct(name) {
		right = name
	}
	members, owner, ok := s.list(right)
	if !ok {
		return s.target(right, n), ""
	}
	return s.listed(members, n), s.bouncesTo(owner, n)
}

// bouncesTo returns the YAML for the owner of a list, or an empty text without an owner.
func (s *Server) bouncesTo(owner string, n names) string {
	if owner == "" {
		return ""
	}
	return ", bounces_to: " + s.target(owner, n)
}

// direct reports whether a name is an account and no alias.
func (s *Server) direct(name string) bool {
	_, aliased := s.router.Aliases.Alias(mailaddr.Lower(name))
	return !aliased && s.router.Account(mailaddr.Lower(name))
}

// listed returns the YAML of a list, or of its only member.
func (s *Server) listed(members []string, n names) string {
	for i, member := range members {
		members[i] = s.target(member, n)
	}
	if len(members) == 1 {
		return members[0]
	}
	return "[" + strings.Join(members, ", ") + "]"
}

// target returns the YAML of a user, a local alias or an address. A name with a detail or
// a parameter becomes an address at the host.
func (s *Server) target(to string, n names) string {
	switch {
	case strings.Contains(to, "@"):
		at := strings.LastIndexByte(to, '@')
		return scalar(to[:at] + strings.TrimSuffix(mailaddr.Lower(to[at:]), "."))
	case strings.ContainsAny(to, "+%"):
		return scalar(to + "@" + s.router.Host)
	}
	to = mailaddr.Lower(to)
	if user, ok := s.mailboxOf(to); ok {
		to = user
	}
	switch {
	case !inventory.IsLocalName(to): // the parser of the inventory reports it
	case s.router.Account(to):
		n.users[to] = true
	default:
		n.aliases[to] = true
	}
	return scalar(to)
}

// ourPrefix begins the names of the aliases that a build writes.
const ourPrefix = "virtmap-"

// mailboxOf returns the user of an alias that a build writes for a mailbox or a kept
// copy. The last recipient of such an alias is a file or the user.
func (s *Server) mailboxOf(name string) (user string, ok bool) {
	user, ok = strings.CutPrefix(name, ourPrefix)
	if !ok || !s.router.Account(user) {
		return "", false
	}
	right, ok := s.own.Alias(name)
	members := splitList(right)
	if !ok || len(members) == 0 {
		return "", false
	}
	last := members[len(members)-1]
	return user, strings.HasPrefix(last, "/") || last == user && len(members) > 1
}

// userValue returns the YAML of a user.
func (s *Server) userValue(user string, n names) string {
	var parts []string
	name := ourPrefix + user
	if address := s.generic[user]; address != "" {
		parts = append(parts, "note: "+quoted("sends as "+diag.Printable(address)+" (genericstable)"))
	}
	if owner, ok := s.mailboxOf(name); ok && owner == user {
		right, _ := s.own.Alias(name)
		members := splitList(right)
		last := members[len(members)-1]
		members = members[:len(members)-1]
		if last != user {
			parts = append(parts, "mailbox: "+scalar(last))
		}
		if len(members) > 0 {
			parts = append(parts, "forward: "+s.listed(members, n), "keep_copy: true")
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " {" + strings.Join(parts, ", ") + "}"
}

// list returns the members and the owner of an alias that is a list of names and
// addresses. ok is false for any other alias.
func (s *Server) list(name string) (members []string, owner string, ok bool) {
	name = mailaddr.Lower(name)
	if strings.ContainsAny(name, "@%+") || s.router.Account(name) {
		return nil, "", false
	}
	if _, ok := s.mailboxOf(name); ok {
		return nil, "", false
	}
	members, ok = s.members(name, map[string]bool{}, nil)
	owner, _ = s.router.Aliases.Alias("owner-" + name)
	_, ours := s.own.Alias(name)
	switch {
	case !ok, strings.ContainsAny(owner, `"\:|/, `), len(members) == 0:
		return nil, "", false
	case len(members) == 1 && owner == "" && !ours:
		return nil, "", false // the name of the alias is enough
	}
	return members, owner, true
}

// members appends the recipients of an alias to all, each once. Aliases that a build
// writes are followed.
func (s *Server) members(name string, have map[string]bool, all []string) ([]string, bool) {
	right, ok := s.router.Aliases.Alias(name)
	if !ok || strings.ContainsAny(right, `"\:|/`) {
		return nil, false
	}
	for _, member := range splitList(right) {
		folded, one := mailaddr.Lower(member), s.oneForm(member)
		_, ours := s.own.Alias(folded)
		_, mailbox := s.mailboxOf(folded)
		switch {
		case member == "" || strings.ContainsAny(member, " \t<>()") || folded == name:
			return nil, false
		case have[one]:
			continue
		}
		have[one] = true
		if _, owned := s.own.Alias("owner-" + folded); owned && ours {
			member, ours = s.addressOf(folded) // another owner gets its bounces
			if !ours {
				return nil, false
			}
		} else if ours && !mailbox {
			if all, ok = s.members(folded, have, all); !ok {
				return nil, false
			}
			continue
		}
		all = append(all, member)
	}
	return all, true
}

// oneForm returns the folded form of a recipient. A local part at another server keeps
// its case (RFC 5321 2.4).
func (s *Server) oneForm(member string) string {
	local, domain, _ := mailaddr.Split(member)
	domain = strings.TrimSuffix(mailaddr.Lower(domain), ".")
	if domain == "" || domain == s.router.Host || s.router.ClassW(domain) {
		return mailaddr.Lower(member)
	}
	return local + "@" + domain
}

// addressOf returns a plain address that leads to an alias.
func (s *Server) addressOf(name string) (addr string, ok bool) {
	if s.leading == nil {
		s.leading = map[string]string{}
		for i := range s.table.Len() {
			key, right := s.table.Row(i)
			if key[0] != '@' && !bytes.ContainsAny(key, "+") {
				s.leading[string(right)] = string(key)
			}
		}
	}
	addr, ok = s.leading[name]
	return addr, ok
}

// shown returns a right side for people: an alias of a build by its members.
func (s *Server) shown(right string) string {
	if members, ok := s.own.Alias(right); ok {
		return members
	}
	return right
}

func splitList(right string) []string {
	members := strings.Split(right, ",")
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	return members
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
