package build

import (
	"errors"

	"virtmap/internal/change"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// findInstalled returns the installed set of the folder.
func (r *run) findInstalled() mta.Before {
	known := publish.Known(publish.OS, r.State)
	return r.server.Find(mta.Folder{
		Dir: r.Out, Adopt: r.Adopt && (r.Config != "" || !known), Host: r.source.Inventory().Host.Name.Text, Copies: r.copies,
		Known: known, Untouched: publish.Untouched(publish.OS, r.State), Tell: r.events.Tell,
	})
}

// copies returns the path of virtmap's copy of a text.
func (r *run) copies(name string) (path string, ok bool) {
	return publish.Copy(publish.OS, r.State, name)
}

// compare returns what a run changes in the installed files, in outcomes, and closes
// them. An accident must be found even if files are damaged, so the text of a damaged
// map is read, and the copy of a damaged text.
func (r *run) compare(files []publish.Change) (c change.Change, err error) {
	defer func() { err = errors.Join(err, r.installed.Close()) }()
	var damaged []string
	for _, file := range files {
		if file.Damage != "" {
			damaged = append(damaged, file.Path)
		}
	}
	pair, err := r.installed.Pair(r.source, damaged)
	if err != nil {
		return c, err
	}
	return change.Compare(pair)
}
