package sendmail

import (
	"errors"
	"slices"

	"virtmap/internal/mta"
)

// found is the set that a run finds in a folder: an mta.Before.
type found struct {
	mta.Folder

	set     *Installed        // nil: it is not open
	site    *Installed        // the server's own files beside it; nil: they are not open
	damaged []string          // what the set was opened without
	instead map[string]string // what is read in it in place of damaged files, by path
	blind   bool              // no row of it can be read

	compared map[string]string // instead of the set that was compared last
}

// find gives the set of a folder. No file is opened yet.
func find(f mta.Folder) mta.Before { return &found{Folder: f} }

// open gives the files that builds write, and what stands in for those that are
// damaged. It knows no account.
func (f *found) open(damaged []string) (*Installed, error) {
	if f.set != nil && slices.Equal(f.damaged, damaged) {
		return f.set, nil
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	set, instead, blind, err := OpenSound(f.Dir, f.Copies, damaged, f.Host, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	set.untouched = f.Untouched
	f.set, f.damaged, f.instead, f.blind = set, damaged, instead, blind
	return set, nil
}

// Close closes the set; what is said of it stays.
func (f *found) Close() (err error) {
	for _, set := range []*Installed{f.set, f.site} {
		if set != nil {
			err = errors.Join(err, set.Close())
		}
	}
	f.set, f.site = nil, nil
	return err
}

// Instead says what was compared in place of each damaged file.
func (f *found) Instead() map[string]string { return f.compared }

// Keep gives a build with the rows of domains that leave.
func (f *found) Keep(next mta.Build, l mta.Leave) (mta.Build, []string, error) {
	return next.(Build).KeepLeaving(f.Dir, f.open, l.Restarted, l.Grace, l.Now)
}

// Pair prepares the comparison with a build. Where virtmap wrote the files, these are
// compared; otherwise those that the server's configuration names.
func (f *found) Pair(next mta.Build, damaged []string) (mta.Pair, error) {
	layout, err := ReadLayout(f.Dir)
	if err != nil {
		return mta.Pair{}, err
	}
	if !f.Known {
		return f.pairFound(next.(Build).View(), layout)
	}
	return f.pairOurs(next.(Build).View(), layout, damaged)
}

// pairOurs compares the files of builds. The server's own aliases and names are the
// same on both sides.
func (f *found) pairOurs(after *View, layout Layout, damaged []string) (pair mta.Pair, err error) {
	set, err := f.open(damaged)
	if err != nil {
		return pair, err
	}
	set.Router.Account, f.compared = after.Router.Account, f.instead
	if f.blind {
		f.Tell("guards: no row of the virtusertable can be read; no address was compared")
	}
	before, err := set.View()
	if err != nil {
		return pair, err
	}
	own := layout.Own()
	f.passOver(&own)
	if f.site, err = OpenServer(own, nil, nil); err != nil {
		return pair, err
	}
	before.WithSite(f.site)
	after.WithSite(f.site)
	return Compared(before, after), nil
}

// passOver has the text read in place of every damaged map of a layout, and tells of
// it. blind is as of PassOver.
func (f *found) passOver(l *Layout) (blind bool) {
	notes, blind := l.PassOver()
	for _, note := range notes {
		f.Tell("guards: " + note)
	}
	return blind
}

// pairFound compares with a set that virtmap never wrote. The rows of such a set may
// lead to the server's own aliases, which stay, as the names do that are not ours.
func (f *found) pairFound(after *View, layout Layout) (pair mta.Pair, err error) {
	layout.Host = after.Router.Host
	if f.passOver(&layout) {
		return pair, errBlind{}
	}
	if f.site, err = OpenServer(layout, nil, after.Router.Account); err != nil {
		return pair, err
	}
	before, err := f.site.View()
	if err != nil {
		return pair, err
	}
	before.AddServed(layout.Host) // sendmail knows it by itself
	before.WithAliases(f.site)
	after.WithSite(f.site)
	return Compared(before, after), nil
}

// errBlind is mta.ErrBlind in sendmail's words.
type errBlind struct{}

func (errBlind) Error() string {
	return "neither the map nor the text of the virtusertable can be read"
}

func (errBlind) Is(target error) bool { return target == mta.ErrBlind }
