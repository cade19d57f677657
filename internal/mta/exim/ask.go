package exim

import (
	"context"
	"errors"
	"fmt"
	"os"
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

// ask prepares the installed Exim. It is asked over a copy of the server's own
// configuration or, if there is none, over Debian's template with the snippets of the
// files, and without DNS.
func ask(ctx context.Context, a mta.Asking) (mta.Asked, error) {
	root, err := installedFor(ctx, a.Build.MapType())
	if err != nil {
		return nil, err
	}
	set, ok := a.Set.(*Set)
	if !ok {
		return nil, fmt.Errorf("a set of the type %T is none of Exim", a.Set)
	}
	s := &asked{set: set}
	if s.folder, err = mta.PublicFolder("exim"); err != nil {
		return nil, err
	}
	if err := s.start(ctx, root, a, set); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// installedFor returns the installed Exim if it reads maps of a type.
func installedFor(ctx context.Context, typ string) (program.Root, error) {
	root, err := program.Installed()
	if err != nil {
		return root, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	lookups, err := root.Lookups(ctx)
	if err != nil {
		return root, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	if want := tables[typ].lookup; !slices.Contains(lookups, want) {
		return root, &mta.AskError{Kind: mta.AskMap, Err: fmt.Errorf("--server: this Exim has no look-up %s for map: %s, but %s", want, typ, strings.Join(lookups, ", "))}
	}
	return root, nil
}

// start writes the configuration of the Exim that is asked.
func (s *asked) start(ctx context.Context, root program.Root, a mta.Asking, set *Set) error {
	o := question(a.Host.Name, set)
	o.Root, o.Folder = root, s.folder
	own, err := root.Read(ctx, "")
	if err != nil && !errors.Is(err, program.ErrNoConfiguration) {
		return &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	q := site{Asking: a, root: root, own: own, set: set, folder: s.folder}
	if err := q.place(); err != nil {
		return err
	}
	o.Tables = q.tables
	if own == nil {
		if _, missing := os.Stat(root.Template); missing != nil {
			return &mta.AskError{Err: fmt.Errorf("--server: %w, and no template of Debian: %w", err, missing)}
		}
		a.Tell("this machine has no configuration of Exim: Exim is asked over Debian's template")
		o.Aliases = aliasesOf(a)
	} else {
		if err := q.prepare(ctx); err != nil {
			return err
		}
		s.set, o.Site, o.Aliased = q.set, own, q.aliased
	}
	s.Exim, err = program.New(ctx, o)
	return err
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

// AskSenders returns the outcome of each login.
func (s *asked) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	return s.Senders(ctx, logins)
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
