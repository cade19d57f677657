package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// aliases opens the alias files in the order of their lookups. If an alias file that
// the configuration names is missing, all local mail waits.
func (s *Installed) aliases(l Layout) (virtuser.Lookup, error) {
	var all, site []virtuser.Lookup
	for _, a := range l.Aliases {
		if a.Path == "" {
			continue // a warning names the file
		}
		ours := l.ours(a.Path, mcfile.Aliases)
		file, _, err := s.table(a.Path, s.aliasType(a, ours), aliasRows)
		switch {
		case errors.Is(err, fs.ErrNotExist) && ours && l.conf.Path == "", s.empty(a.Path, err):
			continue
		case errors.Is(err, fs.ErrNotExist):
			s.warnings = append(s.warnings, fmt.Sprintf("%s is named in sendmail.cf and not there: all mail to local accounts waits", a.Path))
			file = func([]byte) ([]byte, bool, error) { return nil, false, err }
		case err != nil:
			return nil, err
		}
		all = append(all, file)
		if ours {
			s.own, s.ownText = file, a.Path
		} else {
			site = append(site, file)
		}
	}
	s.site = firstOf(site)
	return firstOf(all), nil
}

// aliasType returns the type of the map of an alias file; empty if any type will do.
func (s *Installed) aliasType(a conf.AliasFile, ours bool) string {
	switch a.Class {
	case "stab", "text":
		return "text"
	case "hash", "cdb":
		return a.Class
	}
	if ours {
		return s.typ
	}
	return ""
}

// firstOf returns a Lookup that tries files in order.
func firstOf(files []virtuser.Lookup) virtuser.Lookup {
	return func(key []byte) (value []byte, ok bool, err error) {
		for _, file := range files {
			if value, ok, err = file.InBothForms(key); ok || err != nil {
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

type eachRow = func(row func(key, value []byte) error) error

// table opens the map of a text. typed is the type of the map; empty: the first map
// that is found. If there is no map, table reads the text, and asRows returns its rows.
func (s *Installed) table(text, typed string, asRows func([]byte) mapfile.Rows) (virtuser.Lookup, eachRow, error) {
	for _, typ := range readTypes {
		if typ.Suffix == "" || typed != "" && typ.Name != typed {
			continue
		}
		s.watch(s.at(text + typ.Suffix))
		f, err := mapfile.Open(s.at(text + typ.Suffix))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		s.open, s.tables = append(s.open, f), append(s.tables, tableFile{text, typ.Suffix})
		s.compareAges(text, text+typ.Suffix)
		s.others(text, typ, typed)
		return func(key []byte) ([]byte, bool, error) { return f.Append(nil, key) }, f.Each, nil
	}
	image, err := s.read(text, regular.NoLimit)
	if err != nil {
		return nil, nil, err
	}
	s.tables = append(s.tables, tableFile{text, ""})
	if text == s.text && s.typ != "text" {
		s.warnings = append(s.warnings, fmt.Sprintf("%s has no map beside it; the text itself is read", s.at(text)))
	}
	lookup, each := rowSet(asRows(image))
	return lookup, each, nil
}

func (s *Installed) read(path string, limit int64) ([]byte, error) {
	s.watch(s.at(path))
	return regular.Read(s.at(path), limit)
}

// others warns of further maps of a text if no type is known. The configuration decides
// which of the maps sendmail reads.
func (s *Installed) others(text string, taken mapfile.Type, typed string) {
	if typed != "" {
		return
	}
	for _, typ := range readTypes {
		if _, err := os.Stat(s.at(text + typ.Suffix)); err == nil && typ.Suffix != "" && typ.Suffix != taken.Suffix {
			s.warnings = append(s.warnings, fmt.Sprintf("%s%s is there too; %s%s is read", text, typ.Suffix, text, taken.Suffix))
		}
	}
}

// compareAges warns of a map that is older than its text, or whose text is missing.
func (s *Installed) compareAges(text, path string) {
	if warning := fileset.Ages(s.at(text), s.at(path)); warning != "" {
		s.warnings = append(s.warnings, warning)
	}
}

// watch takes the stamp of a file that is about to be opened.
func (s *Installed) watch(path string) { s.seen = append(s.seen, mta.StampOf(path)) }

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
	return lookup, eachOf(rows)
}

// eachOf returns a function that calls row with each of some rows.
func eachOf(rows mapfile.Rows) eachRow {
	return func(row func(key, value []byte) error) error {
		for i := range rows.Len() {
			if err := row(rows.Row(i)); err != nil {
				return err
			}
		}
		return nil
	}
}
