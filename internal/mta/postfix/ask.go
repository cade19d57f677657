package postfix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An asked is a Postfix of its own, with the configuration of the server. It implements
// mta.Asked and mta.AskedSenders.
type asked struct {
	p      *program.Instance
	set    mta.Set
	opened bool   // the set is not the one of the Asking
	folder string // of the instance and its tables
}

// ask starts a Postfix over the files of an Asking. With a folder that has a main.cf,
// Postfix reads this one as it is. Otherwise it reads the main.cf of host.mail_dir, or of
// /etc/postfix, with the lines for the files.
func ask(ctx context.Context, a mta.Asking) (mta.Asked, error) {
	if os.Geteuid() != 0 {
		return nil, &mta.AskError{Kind: mta.AskRoot, Err: errors.New("--server needs root: the programs of Postfix run as several users")}
	}
	root, err := installed(ctx, a.Build.MapType())
	if err != nil {
		return nil, err
	}
	s := &asked{set: a.Set}
	if s.folder, err = mta.PublicFolder("postfix"); err != nil {
		return nil, err
	}
	if err := s.start(ctx, root, a); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// installed returns the installed Postfix if it reads maps of a type.
func installed(ctx context.Context, typ string) (program.Root, error) {
	root, err := program.Installed()
	if err != nil {
		return root, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	types, err := root.MapTypes(ctx)
	if err != nil {
		return root, &mta.AskError{Err: fmt.Errorf("--server: %w", err)}
	}
	typ = strings.TrimSuffix(mapPrefix(inventory.MapType(typ)), ":")
	if !slices.Contains(types, typ) {
		return root, &mta.AskError{Kind: mta.AskMap, Err: fmt.Errorf("--server: this Postfix opens no maps of type %s, but %s; %s", typ, strings.Join(types, ", "), mendType(typ, types))}
	}
	return root, nil
}

// start starts the Postfix.
func (s *asked) start(ctx context.Context, root program.Root, a mta.Asking) error {
	tables := filepath.Join(s.folder, "tables")
	if err := os.Mkdir(tables, 0o755); err != nil {
		return err
	}
	o := program.Options{Root: root, Folder: filepath.Join(s.folder, "instance"), Logins: true}
	over := a.Set.(*Installed)
	var q *question
	var err error
	if a.Dir != "" && over.layout.config.Path != "" {
		q, err = asItIs(over.layout, tables)
	} else {
		q, err = withBuild(a, tables)
	}
	if err != nil {
		return err
	}
	o.Main, o.Master, o.Etc, o.Move = q.main, q.master, q.etc, q.move
	if !q.live {
		o.Accounts = slices.Sorted(maps.Keys(a.Names()))
	}
	if q.set != nil {
		s.set, s.opened, over = q.set, true, q.set.Installed
	}
	o.Mailbox = over.mailbox
	s.p, err = program.Start(ctx, o)
	if err == nil {
		err = q.problem
	}
	return err
}

// mailbox returns the path of the mailbox of an address of virtual(8), as the tables say;
// the address if they say none.
func (s *Installed) mailbox(addr string) string {
	param := s.layout.param(s.host.Name)
	local, domain, _ := mailaddr.Split(addr)
	name, _, _ := strings.Cut(local, "+")
	for _, key := range []string{addr, name + "@" + domain, "@" + domain} {
		for _, spec := range maincf.SplitList(param("virtual_mailbox_maps")) {
			t, err := s.openTable(spec)
			if err != nil {
				continue
			}
			if file, ok, err := t.Find(key); ok && err == nil {
				return folderOrFile(path.Clean("/"+param("virtual_mailbox_base")+"/"+file), file)
			}
		}
	}
	return addr
}

// folderOrFile returns a path with the slash that the file of a row has behind a Maildir.
func folderOrFile(clean, file string) string {
	if strings.HasSuffix(file, "/") && clean != "/" {
		return clean + "/"
	}
	return clean
}

// Ask returns the outcome of each address.
func (s *asked) Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error) {
	all, err := s.p.Outcomes(ctx, addresses)
	mta.FoldRecipients(all)
	return all, err
}

// AskSenders returns the outcome of MAIL FROM of each login, at a service with the options of
// the site's submission service.
func (s *asked) AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error) {
	return s.p.Logins(ctx, logins)
}

// Relays is false: the client of the Instance comes from an address outside mynetworks.
func (s *asked) Relays() bool { return false }

// Set returns the set that the answers are compared with.
func (s *asked) Set() mta.Set { return s.set }

// Close ends the Postfix.
func (s *asked) Close() (err error) {
	if s.p != nil {
		err = s.p.Close()
	}
	if s.opened {
		err = errors.Join(err, s.set.Close())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
