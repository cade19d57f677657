package exim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/before"
	"virtmap/internal/mta/imported"
	"virtmap/internal/outcome"
)

// A rebuilt is an Exim with the files of a build, of which an inventory is made: an
// mta.Imported. Its rows are those of addresses, without the catch-alls of domains whose
// other names are accounts, and without the rows of owners of lists.
type rebuilt struct {
	*imported.Base
	set *Set
}

// importServer reads the files of a folder that virtmap wrote. The name of the server is the
// one in main, because rows have accounts at this name.
func importServer(dir string, host mta.Host, files []string) (mta.Imported, error) {
	o := &opener{Reader: before.Reader{Place: mta.Place{Dir: dir}}}
	main, err := o.Read(fileMain)
	if err != nil {
		return nil, fmt.Errorf("only files that virtmap wrote are read (virtual domains are imported with --from exim-virtual:DIR): %w", err)
	}
	macros := macrosOf(main)
	host.Name = cmp.Or(hostIn(macros["MAIN_LOCAL_DOMAINS"]), host.Name)
	s := &rebuilt{Base: imported.New("exim", host)}
	if s.set, err = o.open(mta.Host{Name: host.Name, Account: s.Delivers}); err != nil {
		return nil, err
	}
	s.Said.HostKnown = true
	if folder := macros["VIRTMAP_DIR"]; folder != DefaultDir {
		s.Said.MailDir = folder
	}
	if typ := typeOfMain(macros); typ != mapTypes[0] {
		s.Said.MapType = typ
	}
	if own := ownAliases(dir); len(files) == 0 && own != "" {
		files = []string{own}
	}
	if err := errors.Join(s.ReadAliases(files), s.fill()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// hostIn returns the name of the server in a list of domains that a build has written.
func hostIn(list string) string {
	_, behind, _ := strings.Cut(list, " : ")
	name, _, _ := strings.Cut(behind, " : ")
	return name
}

// fill adds the domains and the rows.
func (s *rebuilt) fill() error {
	domains, err := s.set.contents.domains.all()
	if err != nil {
		return err
	}
	for name, rows := range mapfile.All(domains) {
		if string(name) == string(rows) {
			s.Serve(string(name))
		}
	}
	for _, name := range s.set.contents.local {
		if !slices.Contains(localhosts(s.Said.Host), name) {
			s.Serve(name)
		}
	}
	for _, name := range s.set.contents.relayed {
		s.Relay(name)
	}
	s.Said.Names = slices.DeleteFunc(s.Said.Names, func(name string) bool { return name == s.Said.Host })
	rows, err := s.set.Rows()
	if err != nil {
		return err
	}
	for key, value := range mapfile.All(rows) {
		if string(value) != localWord && !strings.HasPrefix(string(key), ownerPrefix) {
			s.Add(string(key), string(value), nil)
		}
	}
	s.Finish()
	return nil
}

// Account reports whether the server has an account. A user with a mailbox elsewhere counts.
func (s *rebuilt) Account(name string) bool {
	return s.Base.Account(name) || s.User(name).File != ""
}

// Delivers reports whether a name counts as an account when outcomes are compared.
func (s *rebuilt) Delivers(name string) bool { return s.Base.Delivers(name) || s.Account(name) }

// User returns the mailbox of a user.
func (s *rebuilt) User(name string) mta.Mailbox {
	path, _, _ := s.set.router.mailboxes(name)
	return mta.Mailbox{File: path}
}

// Route returns the outcome of mail to an address.
func (s *rebuilt) Route(addr string) (outcome.Outcome, []outcome.Step) { return s.set.Route(addr) }

// RowOf returns the key of the first row that decided about an address.
func (s *rebuilt) RowOf(_ string, steps []outcome.Step) string {
	return mta.RowIn(fileAddresses, steps)
}

// Unused says why no row of a key is looked at.
func (s *rebuilt) Unused(key string) string { return s.Unserved(key) }

// Pair prepares the comparison with the files of a build.
func (s *rebuilt) Pair(built mta.Set) (mta.Pair, error) {
	if _, same := built.(*Set); same {
		return mta.NewPair(s.set, built), nil
	}
	files := map[string]string{}
	rows, err := s.set.contents.mailboxes.all()
	if err != nil {
		return mta.Pair{}, err
	}
	for name, path := range mapfile.All(rows) {
		files[string(path)] = string(name)
	}
	return imported.Beside(s.set, built, files), nil
}

// Reason says why an outcome differs by the files for another server.
func (s *rebuilt) Reason(_ string, old, next outcome.Outcome) string {
	return imported.DetailReason(old, next)
}

// Warnings returns a line for each file that is older than its text.
func (s *rebuilt) Warnings() []string { return s.set.Warnings() }

// Seen returns the stamp of every file that was opened.
func (s *rebuilt) Seen() []mta.Stamp { return s.set.Seen() }

// Close closes the maps.
func (s *rebuilt) Close() error { return s.set.Close() }
