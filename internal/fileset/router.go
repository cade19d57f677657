package fileset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/mapfile"
	"virtmap/internal/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Router routes over what an inventory would become. Local accounts are its
// users and local aliases.
func (s Source) Router() *virtuser.Router {
	aliases := map[string]string{}
	rows := s.Compiled.Aliases.MapRows()
	for i := range rows.Len() {
		key, value := rows.Row(i)
		aliases[strings.TrimSuffix(string(key), "\x00")] = strings.TrimSuffix(string(value), "\x00")
	}
	table := s.Compiled.Table
	r := &virtuser.Router{
		Host:    s.Model.Host.Name.Text,
		ClassW:  named(hostnames.ClassW(s.Model).All),
		Relayed: named(hostnames.Relayed(s.Model).All),
		Rows:    func(key []byte) ([]byte, bool, error) { value, ok := table.Get(key); return value, ok, nil },
		Aliases: func(key []byte) ([]byte, bool, error) {
			value, ok := aliases[string(key)]
			return []byte(value), ok, nil
		},
		Account: func(name string) bool {
			_, user := s.Model.User(name)
			_, alias := s.Model.LocalAlias(name)
			return user || alias
		},
	}
	return r.Ready()
}

func named(names []inventory.Name) func(string) bool {
	have := make(map[string]bool, len(names))
	for _, n := range names {
		have[n.Text] = true
	}
	return func(name string) bool { return have[name] }
}

// An Installed set is the files of a folder, open to be asked.
type Installed struct {
	Router   *virtuser.Router
	Warnings []string // companions that are missing or older than their text

	open []*mapfile.File
}

// Open opens the files of a folder, of any map type: a .db or .cdb before the
// text. host is the server's own name, account its accounts.
func Open(dir, host string, account func(string) bool) (set *Installed, err error) {
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}}
	defer func() {
		if err != nil {
			err = errors.Join(err, set.Close())
		}
	}()
	if set.Router.Rows, err = set.table(dir, mcfile.Virtusertable); err != nil {
		return set, err
	}
	if set.Router.Aliases, err = set.table(dir, mcfile.Aliases); errors.Is(err, fs.ErrNotExist) {
		set.Router.Aliases, err = nil, nil
	}
	if err != nil {
		return set, err
	}
	names, err := os.ReadFile(filepath.Join(dir, mcfile.HostNames))
	if err != nil {
		return set, err
	}
	set.Router.ClassW = lineSet(nameLines(names))
	relayed, err := os.ReadFile(filepath.Join(dir, mcfile.RelayDomains))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return set, err
	}
	set.Router.Relayed = lineSet(nameLines(relayed))
	set.Router.Ready()
	return set, nil
}

// Close closes the maps.
func (s *Installed) Close() (err error) {
	for _, f := range s.open {
		err = errors.Join(err, f.Close())
	}
	s.open = nil
	return err
}

func lineSet(lines []string) func(string) bool {
	have := make(map[string]bool, len(lines))
	for _, line := range lines {
		have[line] = true
	}
	return func(name string) bool { return have[name] }
}

// table opens the map of a text, or the text itself.
func (s *Installed) table(dir, name string) (virtuser.Lookup, error) {
	text := filepath.Join(dir, name)
	for _, typ := range mapfile.Types {
		if typ.Suffix == "" {
			continue
		}
		f, err := mapfile.Open(text + typ.Suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.open = append(s.open, f)
		s.compareAges(text, f.Path())
		return func(key []byte) ([]byte, bool, error) { return f.Append(nil, key) }, nil
	}
	image, err := os.ReadFile(text)
	if err != nil {
		return nil, err
	}
	if name == mcfile.Aliases {
		return rowSet(aliasTextRows(image)), nil
	}
	s.Warnings = append(s.Warnings, fmt.Sprintf("%s has no map beside it; the text itself is read", text))
	return rowSet(virtuserTextRows(image)), nil
}

// compareAges names a map that is older than its text, or has lost it.
func (s *Installed) compareAges(text, path string) {
	source, err := os.Stat(text)
	if err != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s has no text beside it", path))
		return
	}
	if m, err := os.Stat(path); err == nil && m.ModTime().Before(source.ModTime()) {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s is older than %s: what the text says may not be what sendmail does", path, text))
	}
}

func rowSet(rows mapfile.Rows) virtuser.Lookup {
	have := make(map[string][]byte, rows.Len())
	for i := range rows.Len() {
		key, value := rows.Row(i)
		have[string(key)] = value
	}
	return func(key []byte) ([]byte, bool, error) {
		value, ok := have[string(key)]
		return value, ok, nil
	}
}
