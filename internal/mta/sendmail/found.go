package sendmail

import (
	"errors"
	"slices"

	"virtmap/internal/mta"
)

// A found is the installed set of a folder. It implements mta.Before.
type found struct {
	mta.Folder

	set     *Installed        // nil: not open
	site    *Installed        // the server's own files beside the set; nil: not open
	damaged []string          // the damaged files that the open set passes over
	instead map[string]string // what is read instead of each damaged file, by path
	blind   bool              // no row of the set can be read

	compared map[string]string // the value of instead for the set that was compared last
}

// find returns the installed set of a folder. It opens no file yet.
func find(f mta.Folder) mta.Before { return &found{Folder: f} }

// open opens the files that builds write, and the substitutes of the damaged ones. The
// set has no accounts.
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

// Close closes the set. Instead keeps its answer.
func (f *found) Close() (err error) {
	for _, set := range []*Installed{f.set, f.site} {
		if set != nil {
			err = errors.Join(err, set.Close())
		}
	}
	f.set, f.site = nil, nil
	return err
}

// Instead returns what was compared instead of each damaged file.
func (f *found) Instead() map[string]string { return f.compared }

// Keep returns a build with the rows of domains that leave.
func (f *found) Keep(next mta.Build, l mta.Leave) (mta.Build, []string, error) {
	return next.(Build).KeepLeaving(f.Dir, f.open, l.Restarted, l.Grace, l.Now)
}

// Pair prepares the comparison with a build. If virtmap wrote files into the folder,
// these files are compared, otherwise the files that the server's configuration names.
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

// passOver makes a layout read the text instead of each damaged map, and reports each
// to Tell. blind is the result of PassOver.
func (f *found) passOver(l *Layout) (blind bool) {
	notes, blind := l.PassOver()
	for _, note := range notes {
		f.Tell("guards: " + note)
	}
	return blind
}

// pairFound compares a set that virtmap never wrote. The rows of this set may lead to
// the server's own aliases. These aliases stay, and so do the names in files that
// virtmap does not write.
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
	before.AddServed(layout.Host) // sendmail always takes mail for its own name
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
