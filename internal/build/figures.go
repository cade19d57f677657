package build

import (
	"slices"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/publish"
)

// What a Result says of files and domains one by one. It is worked out only for those who
// ask, because a large server has many domains.

// A FileState says what a run did with a file.
type FileState string

// States of files.
const (
	FileCreated   FileState = "created"
	FileReplaced  FileState = "replaced"
	FileUnchanged FileState = "unchanged"
	FileWaiting   FileState = "waiting" // it would change, and the server must read other files first
	FileStale     FileState = "stale"   // virtmap wrote it once, and does not write it any more
)

// A File is one file of a set.
type File struct {
	Path   string
	State  FileState
	Damage string // what was wrong with the old content, if virtmap had written it
	Kept   string // where the file of a person that was replaced is kept
}

// Files returns the files of the set in the order in which they are put in place, and
// after them those that are stale.
func (r *Result) Files() []File {
	var all []File
	for i := range r.run.set.Outputs {
		out := &r.run.set.Outputs[i]
		at := slices.IndexFunc(r.Changes, func(c publish.Change) bool { return c.Path == out.Path })
		switch {
		case at >= 0:
			change := &r.Changes[at]
			file := File{Path: change.Path, State: FileReplaced, Damage: change.Damage, Kept: change.Kept}
			if change.New {
				file.State = FileCreated
			}
			all = append(all, file)
		case slices.Contains(r.Held, out.Path):
			all = append(all, File{Path: out.Path, State: FileWaiting})
		case !out.IfKnown || StampOf(out.Path) != absent:
			all = append(all, File{Path: out.Path, State: FileUnchanged})
		}
	}
	for _, path := range r.Stale {
		all = append(all, File{Path: path, State: FileStale})
	}
	return all
}

// A Table is a table of the set with the number of its rows. Its file may wait, or may be
// missing because the inventory does not need it.
type Table struct {
	Name string `json:"name"` // of the file
	Rows int    `json:"rows"`
}

// Tables returns the tables that the inventory needs, in the order of the server's files.
func (r *Result) Tables() []Table {
	var all []Table
	for i, text := range r.run.source.Texts() {
		if text.Rows != nil && !text.Unused {
			all = append(all, Table{Name: r.Server.Files[i].Name, Rows: text.Rows.Len()})
		}
	}
	return all
}

// Figures are the numbers of a run. Pending and overdue domains are among the served ones,
// and waiting ones among those that are held back.
type Figures struct {
	Served  int       `json:"served"`
	Pending int       `json:"pending"`
	Overdue int       `json:"overdue"`
	Held    int       `json:"held"`
	Waiting int       `json:"waiting"`
	Files   int       `json:"files"`           // files that wait until the server reads others
	Oldest  time.Time `json:"oldest,omitzero"` // when the oldest of the last verdicts was given; zero: there is none
	Tables  []Table   `json:"tables"`
}

// figures returns the numbers of a run.
func (r *Result) figures() *Figures {
	f := &Figures{Files: len(r.Held), Tables: r.Tables()}
	for _, s := range r.Standings() {
		if s.State.Taken() {
			f.Served++
		} else {
			f.Held++
		}
		switch s.State {
		case hostnames.StatePending:
			f.Pending++
		case hostnames.StateOverdue:
			f.Overdue++
		case hostnames.StateWaiting:
			f.Waiting++
		}
		if !s.Checked.IsZero() && (f.Oldest.IsZero() || s.Checked.Before(f.Oldest)) {
			f.Oldest = s.Checked
		}
	}
	return f
}

// Rows returns the number of rows of the virtual addresses.
func (r *Result) Rows() int {
	rows, _ := r.run.source.Size()
	return rows
}

// Standings returns what was decided about each enabled domain.
func (r *Result) Standings() []hostnames.Standing {
	if r.run.serving.policy == nil {
		return hostnames.Unasked(r.run.source.Inventory())
	}
	return r.run.serving.policy.Standings(&r.Decision)
}
