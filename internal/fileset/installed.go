package fileset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mcfile"
	"virtmap/virtuser"
)

// An Installed set is the files of a folder, open to be asked.
type Installed struct {
	Router   *virtuser.Router
	Warnings []string // companions that are missing or older than their text

	// EachRow gives every row of the virtusertable, until there is an error.
	EachRow func(row func(key, value []byte) error) error

	names   []string        // of class w
	relayed []string        // of the relayed domains
	own     virtuser.Lookup // our alias file alone; nil: there is none
	ownText string          // its path
	site    virtuser.Lookup // the server's own
	typ     string          // of the maps; empty: it is guessed
	foreign bool            // the map is of a class that no type is
	text    string          // path of the virtusertable
	rows    *mapfile.File   // its map; nil: there is none
	tables  []tableFile     // that are read: the virtusertable, and alias files
	lenient bool            // what is not there is empty
	at      func(path string) string
	open    []*mapfile.File
	seen    []stamp // of every file that was opened or looked for
}

// Open opens the files of a folder, of any map type: a .db or .cdb before the
// text, and the server's own alias files where a sendmail.cf beside them names
// some. host is the server's own name, account its accounts.
func Open(dir, host string, account func(string) bool) (set *Installed, err error) {
	return OpenAt(dir, func(path string) string { return path }, host, account)
}

// OpenAt opens files that are not in their places yet: at gives the place of
// what will be at a path.
func OpenAt(dir string, at func(path string) string, host string, account func(string) bool) (set *Installed, err error) {
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}, at: at, typ: installedType(at(filepath.Join(dir, mcfile.Include)))}
	paths, named := aliasFiles(dir)
	return set, set.load(usual(dir, paths), named)
}

// usual is the layout of a folder that is not asked for its own.
func usual(dir string, aliases []string) Layout {
	return Layout{Table: filepath.Join(dir, mcfile.Virtusertable), Names: []string{filepath.Join(dir, mcfile.HostNames)}, Aliases: aliases, home: dir}
}

// OpenOurs opens the files that builds write, to be compared with what they
// would write now: without the server's own aliases, and with those that are
// not there as if they were empty.
func OpenOurs(dir, host string, account func(string) bool) (set *Installed, err error) {
	same := func(path string) string { return path }
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}, at: same, typ: installedType(filepath.Join(dir, mcfile.Include)), lenient: true}
	return set, set.load(usual(dir, []string{filepath.Join(dir, mcfile.Aliases)}), false)
}

// installedType is the map type that a virtmap.mc names; empty when there is
// none.
func installedType(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return mcfile.MapType(string(text))
}

func (set *Installed) load(l Layout, named bool) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, set.Close())
		}
	}()
	set.text = l.Table
	set.Router.Rows, set.EachRow, err = set.table(set.text)
	if len(set.open) > 0 {
		set.rows = set.open[0]
	}
	if set.empty(set.text, err) {
		set.Router.Rows, set.EachRow = rowSet(pairs{})
		err = nil
	}
	if err != nil {
		return err
	}
	if set.Router.Aliases, err = set.aliases(l.Aliases, named); err != nil {
		return err
	}
	set.names = l.Words
	for _, path := range l.Names {
		names, err := set.read(path)
		if err != nil && !set.empty(path, err) {
			return err
		}
		set.names = append(set.names, nameLines(names)...)
	}
	set.Router.ClassW = lineSet(set.names)
	relayed, err := set.read(filepath.Join(l.home, mcfile.RelayDomains))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	set.relayed = nameLines(relayed)
	set.Router.Relayed = lineSet(set.relayed)
	set.Router.Ready()
	return nil
}

// empty reports whether a file that could not be read is taken for an empty
// one.
func (s *Installed) empty(path string, err error) bool {
	if !s.lenient || !errors.Is(err, fs.ErrNotExist) {
		return false
	}
	s.Warnings = append(s.Warnings, fmt.Sprintf("%s is not there, and taken for empty", s.at(path)))
	return true
}

// Table gives the rows of the virtusertable, sorted: those of the text where it
// is sorted and its map has the same, which is quicker to go through.
func (s *Installed) Table() (*virtuser.Table, error) {
	if text, err := os.ReadFile(s.at(s.text)); err == nil {
		if t, sorted := virtuser.ReadSorted(text); sorted && s.has(t) {
			return t, nil
		}
	}
	var failed error
	t := virtuser.SortedTable(func(yield func(key, value []byte) bool) {
		failed = s.EachRow(func(key, value []byte) error {
			if !yield(mapfile.WithoutNUL(key), mapfile.WithoutNUL(value)) {
				return errEnough
			}
			return nil
		})
	})
	s.Release()
	return t, failed
}

// InMemory gives a Router that asks a table instead of the virtusertable, where
// a strict reading of that finds the same rows: who asks about most of a large
// map would have all of it in memory beside the table.
func (s *Installed) InMemory(t *virtuser.Table) *virtuser.Router {
	if !s.has(t) {
		return s.Router
	}
	r := *s.Router
	r.Rows = t.Lookup
	return &r
}

var errEnough = errors.New("enough")

// has reports whether the map of the virtusertable has the rows of a table.
func (s *Installed) has(t *virtuser.Table) bool {
	if s.rows == nil {
		return true
	}
	sum, err := s.rows.Sum()
	return err == nil && sum == mapfile.SumOf(t)
}

// Names are the domains that are taken: class w and the relayed ones.
func (s *Installed) Names() []string { return slices.Concat(s.names, s.relayed) }

// MapType is the type of the virtusertable: the one that the configuration
// names, or that was found.
func (s *Installed) MapType() string {
	switch {
	case s.typ != "" && !s.foreign:
		return s.typ
	case s.rows != nil:
		return s.rows.Type.Name
	}
	return mapfile.Types[0].Name
}

// SiteAliases are the server's own alias files.
func (s *Installed) SiteAliases() virtuser.Lookup { return s.site }

// OwnAliases is our alias file alone; nil when there is none.
func (s *Installed) OwnAliases() virtuser.Lookup { return s.own }

// Release lets go of the memory of what was read of the maps.
func (s *Installed) Release() {
	for _, f := range s.open {
		f.Release()
	}
}

// Close closes the maps.
func (s *Installed) Close() (err error) {
	for _, f := range s.open {
		err = errors.Join(err, f.Close())
	}
	s.open = nil
	return err
}

// aliases opens our alias file and those of the server, asked in this order.
// One that sendmail.cf names and that is not there holds up all local mail.
func (s *Installed) aliases(paths []string, named bool) (virtuser.Lookup, error) {
	var files []virtuser.Lookup
	for i, path := range paths {
		file, _, err := s.table(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && i == 0 && !named:
			continue
		case s.empty(path, err):
			continue
		case errors.Is(err, fs.ErrNotExist):
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s is named in sendmail.cf and not there: all mail to local accounts waits", path))
			file = func([]byte) ([]byte, bool, error) { return nil, false, err }
		case err != nil:
			return nil, err
		}
		files = append(files, file)
		if i == 0 {
			s.own, s.ownText = file, path
		}
	}
	s.site = firstOf(files)
	if s.own != nil {
		s.site = firstOf(files[1:])
	}
	return firstOf(files), nil
}

// firstOf asks files one after the other.
func firstOf(files []virtuser.Lookup) virtuser.Lookup {
	return func(key []byte) (value []byte, ok bool, err error) {
		for _, file := range files {
			if value, ok, err = file(key); ok || err != nil {
				break
			}
		}
		return value, ok, err
	}
}

func lineSet(lines []string) func(string) bool {
	have := make(map[string]bool, len(lines))
	for _, line := range lines {
		have[line] = true
	}
	return func(name string) bool { return have[name] }
}

// typed reports whether a table is one of those that virtmap.mc, or the
// configuration, names the type of.
func (s *Installed) typed(text string) bool {
	return s.typ != "" && (text == s.text || filepath.Base(text) == mcfile.Aliases)
}

type eachRow = func(row func(key, value []byte) error) error

// table opens the map of a text, or the text itself.
func (s *Installed) table(text string) (virtuser.Lookup, eachRow, error) {
	for _, typ := range mapfile.Types {
		if typ.Suffix == "" || s.typed(text) && typ.Name != s.typ {
			continue
		}
		s.watch(text + typ.Suffix)
		f, err := mapfile.Open(s.at(text + typ.Suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		s.open, s.tables = append(s.open, f), append(s.tables, tableFile{text, typ.Suffix})
		s.compareAges(text, text+typ.Suffix)
		s.others(text, typ)
		return func(key []byte) ([]byte, bool, error) { return f.Append(nil, key) }, f.Each, nil
	}
	image, err := s.read(text)
	if err != nil {
		return nil, nil, err
	}
	s.tables = append(s.tables, tableFile{text, ""})
	rows := aliasTextRows
	if text == s.text {
		if s.typ != "text" {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s has no map beside it; the text itself is read", s.at(text)))
		}
		rows = virtuserTextRows
	}
	lookup, each := rowSet(rows(image))
	return lookup, each, nil
}

func (s *Installed) read(path string) ([]byte, error) {
	s.watch(path)
	return os.ReadFile(s.at(path))
}

// others names further maps of a text: which of them sendmail reads is the
// configuration's to say.
func (s *Installed) others(text string, taken mapfile.Type) {
	if s.typ != "" {
		return
	}
	for _, typ := range mapfile.Types {
		if _, err := os.Stat(s.at(text + typ.Suffix)); err == nil && typ.Suffix != "" && typ.Suffix != taken.Suffix {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s%s is there too; %s%s is read", text, typ.Suffix, text, taken.Suffix))
		}
	}
}

// compareAges names a map that is older than its text, or has lost it.
func (s *Installed) compareAges(text, path string) {
	source, err := os.Stat(s.at(text))
	if err != nil {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s has no text beside it", s.at(path)))
		return
	}
	if m, err := os.Stat(s.at(path)); err == nil && m.ModTime().Before(source.ModTime()) {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%s is older than %s: what the text says may not be what sendmail does", s.at(path), s.at(text)))
	}
}

func rowSet(rows mapfile.Rows) (virtuser.Lookup, eachRow) {
	have := make(map[string][]byte, rows.Len())
	for i := range rows.Len() {
		key, value := rows.Row(i)
		have[string(key)] = value
	}
	lookup := func(key []byte) ([]byte, bool, error) {
		value, ok := have[string(key)]
		return value, ok, nil
	}
	return lookup, func(row func(key, value []byte) error) error {
		for i := range rows.Len() {
			if err := row(rows.Row(i)); err != nil {
				return err
			}
		}
		return nil
	}
}
