package promise

import (
	"slices"
	"strings"

	"virtmap/inventory"
)

// Senders works out the promises of one inventory about who may send from an address.
type Senders struct{ open Promises }

// NewSenders returns the promises of an inventory about senders.
func NewSenders(m *inventory.Model) *Senders {
	open := *m
	open.Users, open.Domains = slices.Clone(m.Users), slices.Clone(m.Domains)
	for i := range open.Users {
		open.Users[i] = inventory.User{Name: m.Users[i].Name} // a user gets mail also if it goes on, or into a file
	}
	for d := range open.Domains {
		open.Domains[d].Held = false
	}
	return &Senders{Promises{Model: &open, Account: func(string) bool { return true }}}
}

// May is the promise whether a user who logs in may send from a folded address.
func (s *Senders) May(user, from string) bool {
	p := &s.open
	local, domain := cutAddress(from)
	domain = p.meant(domain)
	bare := local
	if at := plusAt(local); at > 0 {
		bare = local[:at]
	}
	_, declared := p.Model.User(user)
	d, served := p.Model.Serves(domain)
	if !served || !p.Model.Domains[d].Sends.On {
		return p.Model.IsHostName(domain) && declared && bare == user // the account itself
	}
	for _, key := range []string{local, bare} {
		if found, ok := p.table(d)[key]; ok && inventory.ParseForm(key) <= inventory.ExactDetail {
			return s.allowed(user, d, found)
		}
	}
	to := p.catchAll(d)
	if to.Kind == inventory.ToLocal && declared && bare == user {
		return true
	}
	return s.allowed(user, d, promise{to: to})
}

// allowed reports whether a user may send from an address with a promise.
func (s *Senders) allowed(user string, d int, found promise) bool {
	p := &s.open
	if found.to.Kind == inventory.Refused {
		return false
	}
	if only, given := p.Model.SendersAt(found.pos); given && found.pos != 0 {
		return isAmong(user, only)
	}
	ofDomain := false
	for at := d; at >= 0; at = p.Model.Domains[at].Source {
		if all, given := p.Model.SendersAt(p.Model.Domains[at].Pos); given {
			ofDomain = isAmong(user, all)
			break
		}
	}
	switch found.to.Kind {
	case inventory.ToLocal, inventory.ToDomain, inventory.ToPattern:
		return ofDomain
	}
	o := p.target(found.to, "", "", "", "", 0)
	gets := slices.ContainsFunc(o.Recipients, func(to string) bool {
		name, _, _ := strings.Cut(to, "+")
		return name == user
	})
	_, declared := p.Model.User(user)
	return o.Taken && (gets && declared || ofDomain)
}

func isAmong(user string, s inventory.Senders) bool {
	return slices.ContainsFunc(s.Users, func(name inventory.Name) bool { return name.Text == user })
}
