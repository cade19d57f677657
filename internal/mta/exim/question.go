package exim

import (
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/exim/program"
)

// Question returns what a real Exim needs to know about a build in order to answer with
// outcomes: the host, and what domains and mailboxes are.
func Question(b Build) program.Options {
	set := b.Set().(*Set)
	return program.Options{
		Host: b.Model.Host.Name.Text,
		Decides: func(addr string) bool {
			local, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
			w := walk{router: &set.router}
			name, served, _ := w.domains(domain)
			value, _, _ := w.find(local, name)
			return served && value != localWord
		},
		Local: func(domain string) bool {
			_, served, _ := set.router.domains(domain)
			return served || set.router.local[domain] || domain == accountsDomain
		},
		Mailbox: func(user string) string {
			path, _, _ := set.router.mailboxes(user)
			return path
		},
	}
}
