package sendmail

import (
	"errors"
	"path/filepath"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
)

// Server is sendmail.
var Server = &mta.Server{
	Name:    "sendmail",
	Dir:     mcfile.DefaultDir,
	Maps:    []string{"hash", "cdb", "text"},
	Files:   Files,
	Compile: func(m *inventory.Model, faults *diag.List) mta.Build { return Compile(m, faults) },
	Open:    open,
	Pair:    pair,
	Keep:    keep,
	Wiring:  wiring,
	MapType: func(dir string) (string, error) { return installedType(filepath.Join(dir, mcfile.Include)) },
}

// open opens files as sendmail does once its configuration names those of a build.
// The set of an error has seen the files that could not be read.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	var set *Installed
	var err error
	if at.At == nil {
		set, err = Open(at.Dir, host.Name, host.Account)
	} else {
		set, err = OpenAt(at.Dir, at.At, host.Name, host.Account)
	}
	if set == nil {
		return nil, err
	}
	return set, err
}

// pair prepares two sets to be compared, which are views or installed.
func pair(old, next mta.Set) mta.Pair {
	a, okA := asView(old)
	b, okB := asView(next)
	if !okA || !okB {
		return mta.NewPair(old, next)
	}
	return Compared(a, b)
}

func asView(s mta.Set) (*View, bool) {
	switch s := s.(type) {
	case *View:
		return s, true
	case *Installed:
		v, err := s.View()
		return v, err == nil
	}
	return nil, false
}

func keep(b mta.Build, l mta.Leave) (mta.Build, []string, error) {
	var set *Installed
	open := func(damaged []string) (_ *Installed, err error) {
		if set != nil {
			err = set.Close()
		}
		if err == nil {
			set, _, _, err = OpenSound(l.Dir, l.Copies, damaged, "", func(string) bool { return false })
		}
		return set, err
	}
	kept, domains, err := b.(Build).KeepLeaving(l.Dir, open, l.Restarted, l.Grace, l.Now)
	if set != nil {
		err = errors.Join(err, set.Close())
	}
	return kept, domains, err
}

// wiring names what sendmail.cf, or sendmail.mc where there is no sendmail.cf, does
// not read of a build.
func wiring(dir string, of mta.Build) (gaps []mta.Gap, err error) {
	b := of.(Build)
	c, err := conf.Read(dir)
	if err != nil {
		return nil, err
	}
	for _, g := range b.Needed(c.Gaps(b.Settings())) {
		gaps = append(gaps, mta.Gap{Path: g.Path, Line: g.Line, What: g.What, Write: g.CF})
	}
	return gaps, nil
}
