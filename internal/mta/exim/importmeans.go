package exim

import (
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
)

// parameters are the variables of a row as the parameters of an inventory. For a key with a
// detail of its own, the whole local part is %1.
var parameters = binding{"r_user": "%1", "r_detail": "%2", "r_plus": "%3", "local_part": "%1"}

// sameName is the beginning of a value that leads each name to the same name elsewhere.
const sameName = "${quote_local_part:$local_part}@"

// Means returns what a row says.
func (s *rebuilt) Means(_, value string) (m mta.Meaning) {
	if strings.HasPrefix(value, failWord) || strings.HasPrefix(value, deferWord) {
		return mta.Meaning{Refuses: true, Reply: binding{}.reply(value)}
	}
	value = strings.TrimPrefix(value, onWord)
	if domain, same := strings.CutPrefix(value, sameName); same {
		return mta.Meaning{Same: true, Domain: domain, Keeps: true}
	}
	if owner, behind, ok := strings.Cut(value, "> "); ok && value[0] == '<' {
		m.Owner, value = s.owner(owner[1:]), behind
	}
	for _, one := range splitValue(value) {
		to, keeps := s.target(one)
		m.To, m.Keeps = append(m.To, to), m.Keeps || keeps
		m.Part = m.Part || hasParameter(to)
	}
	m.List = len(m.To) > 1
	return m
}

// splitValue splits recipients, which have not been expanded, at their commas.
func splitValue(value string) (all []string) {
	begin, depth, quoted := 0, 0, false
	for i := 0; i <= len(value); i++ {
		switch {
		case i == len(value) || value[i] == ',' && depth == 0 && !quoted:
			all, begin = append(all, strings.TrimSpace(value[begin:i])), i+1
		case value[i] == '\\':
			i++
		case value[i] == '"':
			quoted = !quoted
		case value[i] == '{':
			depth++
		case value[i] == '}':
			depth--
		}
	}
	return all
}

// target returns a recipient as an inventory has it. keeps says that the detail is added.
func (s *rebuilt) target(value string) (to string, keeps bool) {
	text, err := parameters.expand(strings.ReplaceAll(value, "%", "%%"))
	if err != nil {
		return value, false // no inventory takes it
	}
	local, domain, _ := mailaddr.Split(addressList(text)[0])
	if whole, kept := strings.CutSuffix(local, "%3"); kept && whole != "" && !hasParameter(whole) {
		local, keeps = whole, true
	}
	_, rows, _ := s.set.router.domains(domain)
	if domain == mailboxDomain || domain == accountsDomain || domain == s.Said.Host && !rows {
		return local, keeps
	}
	return local + "@" + domain, keeps
}

// hasParameter reports whether a target has a parameter.
func hasParameter(to string) bool {
	return strings.Contains(strings.ReplaceAll(to, "%%", ""), "%")
}

// owner returns the recipient of bounces. An owner without an address that other servers can
// send to has a row of its own.
func (s *rebuilt) owner(value string) string {
	to, _ := s.target(value)
	if !strings.HasPrefix(to, ownerPrefix) {
		return to
	}
	row, ok, err := s.set.router.addresses(to)
	if !ok || err != nil {
		return to
	}
	to, _ = s.target(splitValue(strings.TrimPrefix(row, onWord))[0])
	return to
}

// Shown returns a value as a person would write it.
func (s *rebuilt) Shown(value string) string {
	m := s.Means("", value)
	if m.Refuses || m.Same {
		return value
	}
	return strings.Join(m.To, ", ")
}
