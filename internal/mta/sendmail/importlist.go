package sendmail

import (
	"bytes"
	"strings"

	"virtmap/internal/mailaddr"
)

// recipients are those of a right side without a detail.
type recipients struct {
	to    []string
	owner string // gets the bounces of a list
	list  bool
}

// recipientsOf returns the recipients of a right side, which it computes once for every
// name.
func (s *Imported) recipientsOf(right string) recipients {
	if strings.Contains(right, "@") {
		return recipients{to: []string{right}}
	}
	r, known := s.known[right]
	if !known {
		if s.known == nil {
			s.known = map[string]recipients{}
		}
		r = s.findRecipients(right)
		s.known[right] = r
	}
	return r
}

func (s *Imported) findRecipients(right string) recipients {
	if name, direct := strings.CutPrefix(right, `\`); direct && s.direct(name) {
		right = name
	}
	members, owner, ok := s.list(right)
	if !ok {
		return recipients{to: s.users([]string{right})}
	}
	return recipients{s.users(members), s.user(owner), true}
}

// users puts users in the place of the aliases that a build writes for their mailboxes.
func (s *Imported) users(all []string) []string {
	for i, name := range all {
		all[i] = s.user(name)
	}
	return all
}

func (s *Imported) user(name string) string {
	if user, ok := s.mailboxOf(mailaddr.Lower(name)); ok {
		return user
	}
	return name
}

// direct reports whether a name is an account and no alias.
func (s *Imported) direct(name string) bool {
	_, aliased := s.router.Aliases.Alias(mailaddr.Lower(name))
	return !aliased && s.router.Account(mailaddr.Lower(name))
}

// list returns the members and the owner of an alias that is a list of names and
// addresses. ok is false for any other alias.
func (s *Imported) list(name string) (members []string, owner string, ok bool) {
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
func (s *Imported) members(name string, have map[string]bool, all []string) ([]string, bool) {
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
func (s *Imported) oneForm(member string) string {
	local, domain, _ := mailaddr.Split(member)
	domain = strings.TrimSuffix(mailaddr.Lower(domain), ".")
	if domain == "" || domain == s.router.Host || s.router.ClassW(domain) {
		return mailaddr.Lower(member)
	}
	return local + "@" + domain
}

// addressOf returns a plain address that leads to an alias.
func (s *Imported) addressOf(name string) (addr string, ok bool) {
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

func splitList(right string) []string {
	members := strings.Split(right, ",")
	for i := range members {
		members[i] = strings.TrimSpace(members[i])
	}
	return members
}
