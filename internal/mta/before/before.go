// Package before has the installed set of a folder (mta.Before) of servers that open a
// folder file by file, and the Reader with which they open any folder. A damaged file is passed over: the text is read instead of a
// damaged map, and virtmap's copy instead of a damaged text.
package before

import (
	"errors"
	"path/filepath"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// A Server is what is particular to a kind of server.
type Server struct {
	// Open opens the files of a folder with a Reader of it.
	Open func(files Reader, host mta.Host) (mta.Set, error)
	// Next returns the set of a build, on which every name is an account.
	Next func(b mta.Build, account func(name string) bool) mta.Set
	// Same reports whether the recipients of a value depend on no other file.
	Same func(value []byte) bool
	// Keep returns a build with what the running server still needs of an installed set.
	// nil: it needs nothing.
	Keep func(next mta.Build, old mta.Set) mta.Build
}

// A found is the installed set of a folder. It implements mta.Before.
type found struct {
	mta.Folder
	server  Server
	open    []mta.Set
	instead map[string]string
}

// Find returns the installed set of a folder. It opens no file yet.
func Find(f mta.Folder, server Server) mta.Before {
	return &found{Folder: f, server: server, instead: map[string]string{}}
}

// Keep returns a build with what the running server still needs. A domain leaves with its
// build.
func (f *found) Keep(next mta.Build, _ mta.Leave) (mta.Build, []string, error) {
	if f.server.Keep == nil {
		return next, nil, nil
	}
	old, err := f.opened(nil)
	if err != nil {
		return next, nil, err
	}
	return f.server.Keep(next, old), nil, nil
}

// opened opens the folder. Every name is an account, because a build changes no account.
func (f *found) opened(damaged []string) (mta.Set, error) {
	texts, err := f.sound(damaged)
	if err != nil {
		return nil, err
	}
	set, err := f.server.Open(Reader{Place: mta.Place{Dir: f.Dir}, Texts: texts, Empty: true}, mta.Host{Name: f.Host, Account: everyone})
	if err != nil {
		return nil, err
	}
	f.open = append(f.open, set)
	return set, nil
}

func everyone(string) bool { return true }

// Pair prepares the comparison with a build.
func (f *found) Pair(next mta.Build, damaged []string) (mta.Pair, error) {
	old, err := f.opened(damaged)
	if err != nil {
		return mta.Pair{}, err
	}
	pair := mta.NewPair(old, f.server.Next(next, everyone))
	pair.Same = f.server.Same
	return pair, nil
}

// sound returns the texts that are read instead of damaged files.
func (f *found) sound(damaged []string) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for _, path := range damaged {
		name := mapfile.WithoutSuffix(filepath.Base(path))
		text, err := regular.ReadIfThere(filepath.Join(f.Dir, name))
		if err != nil {
			return nil, err
		}
		f.instead[path] = "its text"
		if text == nil || fileset.DamagedText(text) != nil {
			f.Tell("guards: " + filepath.Join(f.Dir, name) + " is damaged")
			text = nil
			if copied, ok := f.copyOf(name); ok {
				f.instead[path] = "virtmap's copy of it"
				if text, err = regular.ReadIfThere(copied); err != nil {
					return nil, err
				}
			}
		}
		texts[name] = text
	}
	return texts, nil
}

// copyOf returns the path of virtmap's copy of a text.
func (f *found) copyOf(name string) (string, bool) {
	if f.Copies == nil {
		return "", false
	}
	return f.Copies(name)
}

// Instead returns what was compared instead of each damaged file.
func (f *found) Instead() map[string]string { return f.instead }

// Close closes the sets.
func (f *found) Close() (err error) {
	for _, set := range f.open {
		err = errors.Join(err, set.Close())
	}
	f.open = nil
	return err
}
