package build

import (
	"context"
	"iter"

	"virtmap/internal/endtoend"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// RunSenders has users log in and try to send, if the inventory says who may
// (submission: {authorise: yes}). An error is a fault of the machine.
func (p *Proof) RunSenders(ctx context.Context) error {
	m := p.Source.Inventory()
	sending, ok := p.Set.(mta.Sending)
	if !ok || !m.Submission.Authorise {
		return nil
	}
	trial := endtoend.SendersTrial{Host: p.Host.Name, Set: p.Set, Sending: sending, Promised: promise.NewSenders(m).May, Each: p.EachSender}
	trial.Program, _ = p.Program.(mta.AskedSenders)
	return trial.Run(ctx, p.logins(m))
}

// logins yields the logins that are tried: for every address of the domains that send, for
// an address that is not listed, for one address of each other domain, and for the accounts.
func (p *Proof) logins(m *inventory.Model) iter.Seq[outcome.Login] {
	users := make([]string, len(m.Users))
	for i := range m.Users {
		users[i] = m.Users[i].Name.Text
	}
	rights := senders.Of(m)
	return func(yield func(outcome.Login) bool) {
		try := func(from string, may []string) bool {
			for l := range endtoend.Logins(from, may, users) {
				if !yield(l) {
					return false
				}
			}
			return true
		}
		for d := range m.Domains {
			if p.asks(m.Domains[d].Name) && !tryDomain(m, rights, d, try) {
				return
			}
		}
		for _, user := range users {
			if p.asks(m.Host.Name.Text) && !try(user+"@"+m.Host.Name.Text, []string{user}) {
				return
			}
		}
	}
}

func (p *Proof) asks(domain string) bool { return p.Asks == nil || p.Asks(domain) }

// tryDomain tries the addresses of a domain. It reports whether more is wanted.
func tryDomain(m *inventory.Model, rights *senders.Rights, d int, try func(from string, may []string) bool) bool {
	domain := "@" + m.Domains[d].Name
	listed := func(name string) bool { return rights.Lists(d, name) }
	unlisted := inventory.Unlisted(listed)
	if !rights.Sends(d) {
		return !m.Domains[d].Enabled || m.IsHostName(m.Domains[d].Name) || try(unlisted+domain, nil)
	}
	for right := range rights.In(d) {
		name := right.Local
		if name == "" {
			name = unlisted
		}
		if !try(name+domain, right.Users) {
			return false
		}
		if _, plus := mailaddr.CutDetail(name); plus == "" && !listed(name+"+virtmap") && !try(name+"+virtmap"+domain, right.Users) {
			return false
		}
	}
	return true
}
