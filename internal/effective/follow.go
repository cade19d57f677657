package effective

import (
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Whose is whose an address is.
type Whose uint8

const (
	Elsewhere Whose = iota // another server's
	Accounts               // the host's own: its accounts and aliases
	Listed                 // that of a domain with a table
)

// Locate says whose an address is, with its domain as Model.Meant has it; d is the
// domain of one that is Listed.
func (t *Tables) Locate(addr string) (local, domain string, d int, whose Whose) {
	local, domain, _ = mailaddr.Split(addr)
	domain = t.m.Meant(domain)
	d, served := t.m.Serves(domain)
	switch {
	case served:
		return local, domain, d, Listed
	case t.m.IsHostName(domain):
		return local, domain, -1, Accounts
	}
	return local, domain, -1, Elsewhere
}

// Held reports whether a domain, or the one that its name means, is held back:
// it is listed, and mail for it is not taken yet.
func (t *Tables) Held(domain string) bool {
	d, served := t.m.Serves(t.m.Meant(domain))
	return served && t.m.Domains[d].Held
}

// Next gives the address that mail goes on to from a match; false where it ends:
// at a user or an alias, a list, an account, or with a refusal.
func (t *Tables) Next(m *Match) (addr string, on bool) {
	if m.Refused {
		return "", false
	}
	switch m.To.Kind {
	case inventory.ToDomain:
		return m.User + m.Plus + "@" + m.To.Text, true
	case inventory.ToPattern:
		return t.m.Pattern(&m.To).Expand(m.User, m.Detail, m.Plus), true
	case inventory.ToAddress:
		return m.WithDetail(m.To.Text), true
	}
	forward, ok := t.Forward(&m.To)
	return m.WithDetail(forward), ok
}

// Forward gives the address of a user whose mail all goes to one.
func (t *Tables) Forward(to *inventory.Target) (addr string, ok bool) {
	if to.Kind != inventory.ToUser {
		return "", false
	}
	u := &t.m.Users[to.Index]
	return u.Forward.Text, u.Forward.Kind == inventory.ToAddress && !u.KeepCopy
}

// WithDetail gives a name or an address with the detail that goes along.
func (m *Match) WithDetail(to string) string {
	if !m.Keep || m.Plus == "" {
		return to
	}
	local, domain, ok := mailaddr.Split(to)
	if !ok {
		return to + m.Plus
	}
	return local + m.Plus + "@" + domain
}
