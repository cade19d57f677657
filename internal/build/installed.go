package build

import (
	"errors"
	"slices"

	"virtmap/internal/change"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
)

// installed is the set that a run finds in the folder. It is opened once, when
// it is first asked for, and again only where more of it turns out to be damaged.
type installed struct {
	Folders
	host string // the server's own name
	tell func(line string)

	set     *sendmail.Installed // nil: it is not open
	damaged []string            // what it was opened without
	instead map[string]string   // what is read in it in place of damaged files, by path
	blind   bool                // no row of it can be read

	compared map[string]string // instead of the set that was compared last
}

// copies gives the path of the copy that virtmap keeps of a text it wrote.
func (i *installed) copies(name string) (path string, ok bool) {
	return publish.Copy(publish.OS, i.State, name)
}

// open gives the files that builds write, and what stands in for those that are
// damaged. No account is known in it.
func (i *installed) open(damaged []string) (*sendmail.Installed, error) {
	if i.set != nil && slices.Equal(i.damaged, damaged) {
		return i.set, nil
	}
	if err := i.close(); err != nil {
		return nil, err
	}
	set, instead, blind, err := sendmail.OpenSound(i.Out, i.copies, damaged, i.host, func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	i.set, i.damaged, i.instead, i.blind = set, damaged, instead, blind
	return set, nil
}

// close closes the set; what is said of it stays.
func (i *installed) close() error {
	if i.set == nil {
		return nil
	}
	set := i.set
	i.set = nil
	return set.Close()
}

// compare gives what a source changes of the installed files, in outcomes, and
// closes them. It reads the text of a map that is damaged, and the copy of a text
// that is damaged, and notes that in compared: damage must not let an accident pass.
func (i *installed) compare(source sendmail.Build, files []publish.Change) (c change.Change, err error) {
	defer func() { err = errors.Join(err, i.close()) }()
	next := source.View()
	layout, err := sendmail.ReadLayout(i.Out)
	if err != nil {
		return c, err
	}
	if !publish.Known(publish.OS, i.State) {
		return i.compareFound(next, layout)
	}
	var damaged []string
	for _, file := range files {
		if file.Damage != "" {
			damaged = append(damaged, file.Path)
		}
	}
	set, err := i.open(damaged)
	if err != nil {
		return c, err
	}
	set.Router.Account, i.compared = next.Router.Account, i.instead
	if i.blind {
		i.tell("guards: no row of the virtusertable can be read; no address was compared")
	}
	old, err := set.View()
	if err != nil {
		return c, err
	}
	site, err := i.openSite(layout)
	if err != nil {
		return c, err
	}
	old.WithSite(site)
	next.WithSite(site)
	c, err = change.Compare(sendmail.Compared(old, next))
	return c, errors.Join(err, site.Close())
}

// openSite opens the server's own files: its aliases, and its names beside ours.
// It passes over a map that is damaged, and says so.
func (i *installed) openSite(layout sendmail.Layout) (*sendmail.Installed, error) {
	own := layout.Own()
	notes, _ := own.PassOver()
	for _, note := range notes {
		i.tell("guards: " + note)
	}
	return sendmail.OpenServer(own, nil, nil)
}

// errBlind is returned where virtmap never wrote the virtusertable, and neither its
// map nor its text can be read.
var errBlind = errors.New("neither the map nor the text of the virtusertable can be read")

// compareFound compares with a set that virtmap never wrote: the files that the
// server's configuration names. The rows of such a set may lead to the server's own
// aliases, which stay, as the names do that are not ours.
func (i *installed) compareFound(next *sendmail.View, layout sendmail.Layout) (c change.Change, err error) {
	layout.Host = next.Router.Host
	notes, blind := layout.PassOver()
	for _, note := range notes {
		i.tell("guards: " + note)
	}
	if blind {
		return c, errBlind
	}
	set, err := sendmail.OpenServer(layout, nil, next.Router.Account)
	if err != nil {
		return c, err
	}
	found, err := set.View()
	if err != nil {
		return c, errors.Join(err, set.Close())
	}
	found.AddServed(layout.Host) // sendmail knows it by itself
	found.WithAliases(set)
	next.WithSite(set)
	c, err = change.Compare(sendmail.Compared(found, next))
	return c, errors.Join(err, set.Close())
}
