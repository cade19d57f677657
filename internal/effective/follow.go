package effective

import (
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A Whose tells to whom an address belongs.
type Whose uint8

const (
	Elsewhere Whose = iota // another server
	Accounts               // the host: its accounts and aliases
	Listed                 // a domain with a table
)

// Locate tells to whom an address belongs. domain is its domain after Model.Meant. d is
// the index of the domain if the address is Listed.
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

// Held reports whether a domain is held back: it is listed, but mail for it is not
// taken yet. A name that means another domain counts as that domain.
func (t *Tables) Held(domain string) bool {
	d, served := t.m.Serves(t.m.Meant(domain))
	return served && t.m.Domains[d].Held
}

// Next returns the address to which mail goes on from a match. on is false if the mail
// ends there: at a user, an alias, a list, an account, or with a refusal.
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

// Forward returns the forward of a user. ok is false unless all mail of the user goes
// to one address.
func (t *Tables) Forward(to *inventory.Target) (addr string, ok bool) {
	if to.Kind != inventory.ToUser {
		return "", false
	}
	u := &t.m.Users[to.Index]
	return u.Forward.Text, u.Forward.Kind == inventory.ToAddress && !u.KeepCopy
}

// WithDetail returns a name or an address, with the detail if the match keeps it.
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
