package opensmtpd

import (
	"bytes"
	"errors"
	"path/filepath"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// A found is the installed set of a folder. It implements mta.Before.
type found struct {
	mta.Folder
	open    []mta.Set
	instead map[string]string
}

// find returns the installed set of a folder. It opens no file yet.
func find(f mta.Folder) mta.Before { return &found{Folder: f, instead: map[string]string{}} }

// Pair prepares the comparison with a build. On both sides every name is an account,
// because a build changes no account.
func (f *found) Pair(next mta.Build, damaged []string) (mta.Pair, error) {
	everyone := func(string) bool { return true }
	texts, err := f.sound(damaged)
	if err != nil {
		return mta.Pair{}, err
	}
	o := &opener{Place: mta.Place{Dir: f.Dir}, texts: texts, empty: true}
	old, err := o.open(mta.Host{Name: f.Host, Account: everyone})
	if err != nil {
		return mta.Pair{}, err
	}
	f.open = append(f.open, old)
	after := next.Set().(*Set)
	after.router.of.account = everyone
	pair := mta.NewPair(old, after)
	pair.Same = endsThere
	return pair, nil
}

// endsThere reports whether the recipients of a value depend on no other file.
func endsThere(value []byte) bool { return !bytes.Contains(value, []byte(".virtmap.invalid")) }

// sound returns the texts that are read instead of damaged files: the text of a damaged
// map, and virtmap's copy of a damaged text.
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

// Close closes the sets of the last Pair.
func (f *found) Close() (err error) {
	for _, set := range f.open {
		err = errors.Join(err, set.Close())
	}
	f.open = nil
	return err
}
