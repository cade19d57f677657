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

// Copies returns the path of a sound copy of a text that virtmap wrote.
type Copies func(name string) (path string, ok bool)

// A standIn decides what is read instead of the damaged files of a folder.
type standIn struct {
	copies  Copies            // nil: there are no copies
	damaged map[string]bool   // the maps and texts that are known to be damaged
	instead map[string]string // what is read instead of the file at a path, in words
	places  map[string]string // results of find, by path
}

// nowhere is the path for a damaged file without a substitute. No file has this path.
const nowhere = ""

// at returns the path from which the file of a path is read.
func (s *standIn) at(path string) string {
	place, known := s.places[path]
	if !known {
		place = s.find(path)
		s.places[path] = place
	}
	return place
}

// find works out the path from which the file of a path is read. A damaged map has
// none, because its text is read instead. A damaged text is replaced by its copy.
func (s *standIn) find(path string) string {
	if mapfile.WithoutSuffix(path) != path {
		if !s.damaged[path] && opens(path) {
			return path
		}
		s.instead[path] = "its text"
		return nowhere
	}
	if !s.damaged[path] && s.hasMap(path) {
		return path // the rows of the map are read
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

// opens reports whether a map can be opened, or is not there. Only its beginning is
// read.
func opens(path string) bool {
	f, err := mapfile.Open(path)
	if err == nil {
		err = f.Close()
	}
	return err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// hasMap reports whether a text has a map that is read instead of the text.
func (s *standIn) hasMap(text string) bool {
	for _, typ := range readTypes {
		if place := text + typ.Suffix; typ.Suffix != "" && s.at(place) != nowhere && exists(place) {
			return true
		}
	}
	return false
}

// OpenSound opens the files that builds write, for a comparison with what a build would
// write now. It does not open the server's own aliases. A missing file counts as empty.
// Damaged files have substitutes: these are the given files, and those whose first bytes
// are wrong. instead describes what is read instead of each file, by its path. blind says
// that the virtusertable has neither a map nor a text to read.
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

// PassOver makes the layout read the text instead of each damaged map. It returns a
// note for each such map. blind says that the map of the virtusertable is damaged and
// its text cannot be read either.
func (l *Layout) PassOver() (notes []string, blind bool) {
	l.damaged = map[string]bool{}
	texts := []string{l.Table}
	for _, a := range l.Aliases {
		texts = append(texts, a.Path)
	}
	senders, generics, _ := l.sending(l.place) // an error is found when they are opened
	for _, text := range append(texts, senders, generics) {
		if text == "" {
			continue // none is read, or it is not a file
		}
		for _, typ := range readTypes {
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

// damagedFile returns why the map at a path cannot be read. The result is nil if the
// map is sound, is not there, or may not be read by this user.
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
