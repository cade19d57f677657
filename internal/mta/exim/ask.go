package exim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/outcome"
)

// An asked is the installed Exim over the files of a build. It implements mta.Asked.
type asked struct {
	*program.Exim
	set    mta.Set
	folder string // of the configuration and the spool
}

// ask prepares the installed Exim. It is asked over Debian's template with the snippets of
// the files, and without DNS. Names of the inventory are aliases there, so that they need
// not be accounts of this machine.
func ask(ctx context.Context, a mta.Asking) (mta.Asked, error) {
	root, err := program.Installed()
	if err != nil {
		return nil, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	if _, err := os.Stat(root.Template); err != nil {
		return nil, &mta.AskError{Err: fmt.Errorf("--server asks Exim over Debian's configuration: %w", err)}
	}
	set, ok := a.Set.(*Set)
	if !ok {
		return nil, fmt.Errorf("a set of the type %T is none of Exim", a.Set)
	}
	lookups, err := root.Lookups(ctx)
	if err != nil {
		return nil, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	if want := tables[a.Build.MapType()].lookup; !slices.Contains(lookups, want) {
		return nil, &mta.AskError{Kind: mta.AskMap, Err: fmt.Errorf("--server: this Exim has no look-up %s for map: %s, but %s", want, a.Build.MapType(), strings.Join(lookups, ", "))}
	}
	s := &asked{set: a.Set}
	if s.folder, err = mta.PublicFolder("exim"); err != nil {
		return nil, err
	}
	o := question(a.Host.Name, set)
	o.Root, o.Folder, o.Tables, o.Aliases = root, s.folder, a.Dir, aliasesOf(a)
	if a.Dir == "" {
		o.Tables = a.Work
	}
	if o.Tables, err = filepath.Abs(o.Tables); err == nil {
		s.Exim, err = program.New(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// aliasesOf returns an alias file with the users and the local aliases of an inventory.
func aliasesOf(a mta.Asking) string {
	m := a.Build.Inventory()
	var out strings.Builder
	add := func(name string) {
		if name != everyone {
			out.WriteString(name + ": " + everyone + "\n")
		}
	}
	for i := range m.Users {
		add(m.Users[i].Name.Text)
	}
	for i := range m.LocalAliases {
		add(m.LocalAliases[i].Text)
	}
	return out.String()
}

// everyone is an account of every system, to which aliases lead.
const everyone = "nobody"

// Ask returns the outcome of each address.
func (s *asked) Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error) {
	all, err := s.Outcomes(ctx, addresses)
	mta.FoldRecipients(all)
	return all, err
}

// Relays is false: the client has an address outside of the networks of the server.
func (s *asked) Relays() bool { return false }

// Set returns the set that the answers are compared with.
func (s *asked) Set() mta.Set { return s.set }

// Close removes the files.
func (s *asked) Close() error { return os.RemoveAll(s.folder) }

// Question returns what a real Exim needs to know about a build in order to answer with
// outcomes.
func Question(b Build) program.Options { return question(b.Model.Host.Name.Text, b.Set().(*Set)) }

// question returns what a real Exim needs to know about a set.
func question(host string, set *Set) program.Options {
	return program.Options{
		Host: host,
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
