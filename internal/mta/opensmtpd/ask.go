package opensmtpd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An asked is a second OpenSMTPD over the files of a build. It implements mta.Asked.
type asked struct {
	*program.Server
	set    mta.Set
	folder string
}

// ask starts a second, private smtpd over the files of an Asking. For installed files it
// has the smtpd.conf that includes them, without its listeners. Otherwise it has that of
// the package.
func ask(ctx context.Context, a mta.Asking) (mta.Asked, error) {
	if os.Geteuid() != 0 {
		return nil, &mta.AskError{Kind: mta.AskRoot, Err: errors.New("--server needs root: smtpd runs as several users")}
	}
	for _, name := range []string{"smtpd", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, &mta.AskError{Err: fmt.Errorf("--server starts a second smtpd in a namespace (unshare, on Linux): %w", err)}
		}
	}
	set, ok := a.Set.(*Set)
	if !ok {
		return nil, fmt.Errorf("a set of the type %T is none of OpenSMTPD", a.Set)
	}
	if _, err := exec.LookPath("openssl"); err != nil && set.Authorises() {
		return nil, &mta.AskError{Err: fmt.Errorf("--server: smtpd lets users log in only over TLS, which openssl(1) speaks here: %w", err)}
	}
	s := &asked{set: a.Set}
	var err error
	if s.folder, err = mta.PublicFolder("opensmtpd"); err != nil {
		return nil, err
	}
	o := question(set, a.Build.Inventory().Host.MailDir.Text)
	o.Host, o.Folder, o.Tables = a.Host.Name, s.folder, a.Work
	if set.Authorises() {
		o.Users = users(a.Build.Inventory())
	}
	o.Accounts, o.Aliases = accounts(a), "root: "+anybody+"\n" // smtpd delivers nothing as root
	if a.Dir != "" {
		if o.Tables, err = filepath.Abs(a.Dir); err == nil {
			o.Config, err = installedConf(o.Tables)
		}
	}
	if err == nil {
		s.Server, err = program.Start(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// installedConf returns the smtpd.conf that includes the virtmap.conf of a folder, with all
// other files that it includes; nil if there is none.
func installedConf(dir string) ([]byte, error) {
	c, err := readConfiguration(dir, true)
	if err != nil || c.path == "" || c.includes(dir) < 0 {
		return nil, err
	}
	c.lines[c.includes(dir)] = include(dir) // in the form in which program looks for it
	return []byte(strings.Join(c.lines, "\n") + "\n"), nil
}

// anybody is an account of the second smtpd alone.
const anybody = "virtmap-anybody"

// accounts returns the accounts that the second smtpd knows: those of this machine, and the
// names of the inventory.
func accounts(a mta.Asking) []string {
	names := a.Names()
	names[anybody] = true
	delete(names, "root")
	return slices.Sorted(maps.Keys(names))
}

// Ask returns the outcome of each address.
func (s *asked) Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error) {
	all, err := s.Outcomes(ctx, addresses)
	mta.FoldRecipients(all)
	return all, err
}

// AskSenders returns the outcome of MAIL FROM of each login.
func (s *asked) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	return s.Senders(ctx, logins)
}

// Relays is false: the client comes from an address that smtpd does not take for local.
func (s *asked) Relays() bool { return false }

// Set returns the set that the answers are compared with.
func (s *asked) Set() mta.Set { return s.set }

// Close ends smtpd, and removes its files.
func (s *asked) Close() (err error) {
	if s.Server != nil {
		err = s.Server.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// Question returns what a real OpenSMTPD needs to know about a build in order to answer
// with outcomes.
func Question(b Build) program.Options {
	o := question(b.Set().(*Set), b.Model.Host.MailDir.Text)
	o.Host = b.Model.Host.Name.Text
	o.Accounts = users(b.Model)
	if b.Model.Submission.Authorise {
		o.Users = o.Accounts
	}
	return o
}

// users returns the names of the users of an inventory.
func users(m *inventory.Model) (names []string) {
	for i := range m.Users {
		names = append(names, m.Users[i].Name.Text)
	}
	return names
}

// question returns what a real OpenSMTPD needs to know about a set. dir is the folder that
// its virtmap.conf names.
func question(set *Set, dir string) program.Options {
	return program.Options{
		Dir:  dir,
		Ours: func(domain string) bool { return set.router.domains[domain] != elsewhere },
		Mailbox: func(user string) string {
			value, _ := set.contents.mailboxes.find(user)
			if _, path, ok := strings.Cut(value, ":/"); ok {
				return "/" + path
			}
			return user
		},
	}
}
