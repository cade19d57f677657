package sendmail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// Copies gives the place of a sound copy of a text that virtmap wrote.
type Copies func(name string) (path string, ok bool)

// A standIn says what is read of a folder in place of what is damaged.
type standIn struct {
	copies  Copies            // nil: there are none
	damaged map[string]bool   // maps and texts that are known to be damaged
	instead map[string]string // what is read in place of a path, in words
	places  map[string]string // what is read for a path, once at was asked
}

// nowhere is the place of a file that is damaged and has no stand-in: no file is
// there.
const nowhere = ""

// at gives the place of what is read for a path.
func (s *standIn) at(path string) string {
	place, known := s.places[path]
	if !known {
		place = s.find(path)
		s.places[path] = place
	}
	return place
}

// find gives the place of what is read for a path: a map that is damaged has none,
// since its text is read then, and in place of a damaged text its copy is read.
func (s *standIn) find(path string) string {
	if mapfile.WithoutSuffix(path) != path {
		if !s.damaged[path] && opens(path) {
			return path
		}
		s.instead[path] = "its text"
		return nowhere
	}
	if !s.damaged[path] && s.hasMap(path) {
		return path // its rows are those of the map
	}
	content, err := regular.Read(path, regular.NoLimit)
	if err == nil && !s.damaged[path] && fileset.DamagedText(content) == nil {
		return path
	}
	if s.copies != nil {
		if place, ok := s.copies(filepath.Base(path)); ok {
			s.instead[path] = "what virtmap wrote there"
			return place
		}
	}
	if s.damaged[path] || err == nil && len(content) > 0 && fileset.DamagedText(content) != nil {
		return nowhere
	}
	return path
}

// opens reports whether a map has the beginning of one, or is not there.
func opens(path string) bool {
	f, err := mapfile.Open(path)
	if err == nil {
		err = f.Close()
	}
	return err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// hasMap reports whether a text has a map that is read in its place.
func (s *standIn) hasMap(text string) bool {
	for _, typ := range mapfile.Types {
		if place := text + typ.Suffix; typ.Suffix != "" && s.at(place) != nowhere && exists(place) {
			return true
		}
	}
	return false
}

// OpenSound opens the files that builds write, as OpenOurs does, and reads what
// stands in for those that are damaged: for those given, and for those whose
// first bytes show it. instead says what is read in place of each, by its path.
// blind says that there is neither a map nor a text of the virtusertable.
func OpenSound(dir string, copies Copies, damaged []string, host string, account func(string) bool) (set *Installed, instead map[string]string, blind bool, err error) {
	s := &standIn{copies: copies, damaged: map[string]bool{}, instead: map[string]string{}, places: map[string]string{}}
	for _, path := range damaged {
		s.damaged[path] = true
	}
	for _, name := range []string{mcfile.Aliases, mcfile.Virtusertable, mcfile.RelayDomains, mcfile.HostNames, mcfile.Include} {
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, nil, false, fmt.Errorf("%q %w", path, publish.ErrNotFile)
		}
	}
	l := builtLayout(dir)
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}, at: s.at, lenient: true}
	err = set.load(l, false)
	return set, s.instead, set.rows == nil && !exists(s.at(set.text)), err
}

// PassOver has the text read in place of every damaged map of the layout, and
// notes each. blind says that the map of the virtusertable is damaged and its text
// cannot be read either.
func (l *Layout) PassOver() (notes []string, blind bool) {
	l.damaged = map[string]bool{}
	texts := []string{l.Table}
	for _, a := range l.Aliases {
		texts = append(texts, a.Path)
	}
	for _, text := range texts {
		if text == "" {
			continue // none is read, or it is no file
		}
		for _, typ := range mapfile.Types {
			place := l.place(text + typ.Suffix)
			if typ.Suffix == "" || l.damaged[place] || damagedFile(place) == nil {
				continue
			}
			l.damaged[place] = true
			content, err := regular.Read(l.place(text), regular.NoLimit)
			without := err != nil || fileset.DamagedText(content) != nil
			blind = blind || without && text == l.Table
			instead := "its text is read instead"
			if without {
				instead = "so is its text, or there is none: it is taken for empty"
			}
			notes = append(notes, fmt.Sprintf("%s is damaged; %s", place, instead))
		}
	}
	return notes, blind
}

// damagedFile says why the map at a path cannot be read; nil when it can, when it
// is not there, and when we may not read it.
func damagedFile(path string) error {
	f, err := mapfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err == nil {
		_, err = f.Sum()
		err = errors.Join(err, f.Close())
	}
	return err
}
