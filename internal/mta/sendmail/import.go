package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/outcome"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// An Imported server is a sendmail of which an inventory is made: an mta.Imported.
//
// Its rows are those that sendmail reads: of the map in its configuration, or of the
// text when there is no map. The Router over its files decides what a row means. The
// comments are those of the texts.
type Imported struct {
	facts  mta.Facts
	layout Layout
	set    *Installed

	router   *virtuser.Router  // over its files
	own      virtuser.Lookup   // aliases that a build writes anew; nil: none
	site     virtuser.Lookup   // aliases of the server that stay
	table    *virtuser.Table   // sorted; nil after Release
	generic  map[string]string // by user: the sender address
	known    map[string]recipients
	leading  map[string]string // by name of an alias: an address that leads to it
	warnings []string
}

// genericstable is the table of the sender addresses of local users.
const genericstable = "genericstable"

// importServer reads the files of a server.
func importServer(dir string, host mta.Host, aliases []string) (mta.Imported, error) {
	l, err := ReadLayout(dir)
	if err != nil {
		return nil, err
	}
	l.Host = host.Name
	set, err := OpenServer(l, aliases, host.Account)
	if err != nil {
		return nil, err
	}
	s := &Imported{layout: l, set: set, router: set.Router, own: set.OwnAliases(), site: set.SiteAliases()}
	if err := s.read(); err != nil {
		return nil, errors.Join(err, set.Close())
	}
	return s, nil
}

// read reads the rows and the texts.
func (s *Imported) read() (err error) {
	home, known := s.layout.Home()
	if s.table, err = s.set.Table(); err != nil {
		return err
	}
	if !known && s.table.Len() == 0 && len(s.set.Names()) == 0 {
		return fmt.Errorf("there are no virtual addresses: neither rows nor names of class w, and no sendmail.cf or sendmail.mc that says where they are")
	}
	s.facts.Server, s.facts.Host = "sendmail", s.layout.Host
	if known && home != mcfile.DefaultDir {
		s.facts.MailDir = home
	}
	if typ := s.set.MapType(); typ != string(inventory.MapHash) {
		s.facts.MapType = typ
	}
	if err := s.readTexts(); err != nil {
		return err
	}
	s.warnings = s.set.Warnings()
	if s.generic, err = readGenerics(s.layout.Place(filepath.Join(home, genericstable))); err != nil {
		s.warnings = append(s.warnings, fmt.Sprintf("users get no notes of the addresses they send from: %v", err))
	}
	return nil
}

// readGenerics reads the map of a genericstable, or its text when there is no map.
// The rows have the form of those of a virtusertable.
func readGenerics(path string) (map[string]string, error) {
	found := map[string]string{}
	for _, typ := range readTypes {
		f, err := mapfile.Open(path + typ.Suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = f.Each(func(key, value []byte) error {
			found[mailaddr.Lower(string(mapfile.WithoutNUL(key)))] = string(mapfile.WithoutNUL(value))
			return nil
		})
		return found, errors.Join(err, f.Close())
	}
	return found, nil
}

// Facts are what the files say beside their rows.
func (s *Imported) Facts() *mta.Facts { return &s.facts }

// Route gives what becomes of mail for an address, and every key that was tried.
func (s *Imported) Route(addr string) (outcome.Outcome, []outcome.Step) { return route(s.router, addr) }

// RowOf returns the key of the first row that a step hit.
func (s *Imported) RowOf(_ string, steps []outcome.Step) string {
	return mta.RowIn(mcfile.Virtusertable, steps)
}

// Domains are the names of class w and {VirtHost}, and those that a build lets be
// relayed.
func (s *Imported) Domains() (served, relayed []string) {
	return s.set.Domains()
}

// Rows are those of the virtusertable, sorted. After Release they are read again.
func (s *Imported) Rows() (rows mapfile.Rows, err error) {
	if s.table == nil {
		s.table, err = s.set.Table()
	}
	return s.table, err
}

// Release frees the memory of the rows, which on a large server is as much as that of
// the inventory.
func (s *Imported) Release() {
	s.known, s.table = nil, nil
	s.set.Release()
}

// Warnings say what is missing, older than its text, or not read.
func (s *Imported) Warnings() []string { return s.warnings }

// Seen are the files that were opened or looked for.
func (s *Imported) Seen() []mta.Stamp {
	return s.set.Seen()
}

// Close closes the maps.
func (s *Imported) Close() error {
	return s.set.Close()
}

// Layout says where the files are.
func (s *Imported) Layout() *Layout { return &s.layout }

// CopyTo copies the files of the server into an empty folder.
func (s *Imported) CopyTo(dir string) (Copied, error) { return s.set.CopyTo(dir) }

// MapType is the map type of the virtusertable.
func (s *Imported) MapType() string { return s.set.MapType() }

// Aliases are all alias files of the server, SiteAliases those that stay.
func (s *Imported) Aliases() virtuser.Lookup     { return s.router.Aliases }
func (s *Imported) SiteAliases() virtuser.Lookup { return s.site }
