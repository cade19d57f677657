// Package publish puts a set of files in place. Either all files of the set are
// replaced or none is. A file that a person made or changed is replaced only
// with Adopt.
//
// Publish writes each file under another name in the same folder, syncs it and
// reads it back. When all files are written, it renames them one after the
// other. A file that has the right content already is left alone, and its time
// stays. A replaced file keeps its owner, group and mode.
//
// The manifest in the state folder has the digests of the files that virtmap
// wrote. An installed file with another digest was made or changed by hand,
// unless its content is what virtmap would write.
//
// The files are renamed in the order of Set.Outputs. The caller chooses the
// order: see package fileset. The journal has the list of the renames, and is
// written before the first of them. When a run is stopped between two renames,
// the next run does the rest before anything else.
//
// Publish keeps every set as a generation. The state folder has
//
//	manifest.json            the digests of what virtmap wrote
//	journal.json             the renames of a run that is at work, or was stopped
//	lock                     the process that is at work, or was the last
//	seen.json                states of large files, which are not read again
//	unannounced              changes that no message has reported yet
//	adopted/NAME             a file that a person made, or that was damaged
//	generations/7/meta.json  time, user, inventory, and the list of the files
//	generations/7/NAME       a copy of a file of the set
//
// A copy is never renamed or linked into place, so that nothing changes it. Of a
// map there is no copy: it is made again from its text.
//
// A damaged file does not stop a run. A map that cannot be read, and a text that
// is empty or was cut, is made anew if virtmap wrote it. A generation that is
// not complete is left out. A damaged file of the state is made anew from the
// other files, and kept as NAME.damaged if it may be of use.
package publish

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mmap"
)

// An Output is one file to be published. All outputs that are not Shared are in
// one folder.
type Output struct {
	Path string
	Mode fs.FileMode // mode of a new file
	UID  int         // owner of a new file; -1: the user of this process

	Write func(w io.WriteSeeker) error

	// Check checks what was written, when it is read back.
	Check func(image *mmap.Image) error
	// Damaged returns an error for an installed file that no person and no
	// program can have meant. If virtmap wrote the file, it is made anew. May
	// be nil.
	Damaged func(image *mmap.Image) error
	// Same reports whether an installed file has the content that Write would
	// write.
	Same func(image *mmap.Image) bool
	// Sum returns a sum of what Write writes. Two outputs for one path that have the same
	// sum write the same content. May be nil.
	Sum func() string
	// Rebuilt reports whether an installed map that virtmap did not write was
	// made from a text that virtmap wrote: systems rebuild maps from their
	// texts. May be nil.
	Rebuilt func(image *mmap.Image, read func(path string) ([]byte, error)) bool
	// Alike reports whether an installed file has the same meaning in another
	// form. Nil stands for a function that returns false.
	Alike func(image *mmap.Image) bool
	// Lost lists what is lost when a file that a person made is replaced.
	Lost func(image *mmap.Image) []string
	// Bridge returns a function that writes the bridge of a map. A bridge has
	// the rows that the old files need and the rows that the new files need. It
	// is in the place of the map while the other files are renamed. The result
	// is nil when the new map has all these rows already. When the installed map
	// is damaged, text is the text from which it was made. May be nil.
	Bridge func(installed *mmap.Image, text []byte) func(w io.WriteSeeker) error

	Hold    bool   // do not write it now, but adopt a file that a person made
	Shared  bool   // a person's file of which virtmap writes a part: needs no Adopt
	Base    []byte // of a Shared file: the content from which the new text was made
	IfKnown bool   // write it only if virtmap wrote it before
	Source  string // of a map: the path of its text, which must not be newer than the map
}

// A Set is what one run publishes.
type Set struct {
	Outputs []Output
	State   string // folder of the manifest and the lock
	Adopt   bool   // replace files that a person made
	DryRun  bool   // report the changes and write nothing
	Still   bool   // write nothing when no output changes, not even the record of files that are as they must be
	FS      FS

	// Entered is true when the caller has called Enter and holds the locks.
	Entered bool
	// Records are further files of the state folder. They are written when all
	// outputs are in place.
	Records []Record

	// Note returns a text about the changes. The state folder has the text from
	// before the first rename until Announced is called, so that a run that is
	// stopped does not hide a change.
	Note func(changes []Change) string

	// Tell is called with a line about each damaged file of the state. Damaged
	// outputs are in the report instead. May be nil.
	Tell func(line string)

	// Watch follows the run. May be nil.
	Watch Watcher

	Meta Meta          // of the new generation
	Keep int           // how many older generations are kept; below zero: no generation is made
	Gap  time.Duration // the least time between two renames of one map, so that a program that has it open sees both

	// Approve may refuse the changes before anything is written. May be nil.
	Approve func(changes []Change) error
	// Verify may refuse the staged files. at returns where the new content of
	// a path is. May be nil.
	Verify func(at func(path string) string) error
}

// A Watcher follows a run.
type Watcher interface {
	// Enter is called when a stage of the run begins.
	Enter(stage string)
	// Bytes is called when the stage has read or written n more bytes.
	Bytes(n int64)
}

// enter reports to Watch that a stage of the run begins.
func (p *publisher) enter(stage string) {
	if p.Watch != nil {
		p.Watch.Enter(stage)
	}
}

// count reports to Watch that bytes were read or written.
func (p *publisher) count(bytes int) {
	if p.Watch != nil {
		p.Watch.Bytes(int64(bytes))
	}
}

func (p *publisher) tell(line string) {
	if p.Tell != nil {
		p.Tell(line)
	}
}

// A Record is a file of the state folder.
type Record struct {
	Name    string
	Content []byte
	Aside   bool // the present file is damaged: keep it under another name
}

// A Change is a file that was written, or in a dry run would be.
type Change struct {
	Path string
	New  bool
	Lost []string // what a file that a person made has and the new one has not
	Kept string   // where the replaced file is kept

	Alike  bool   // the old content had the same meaning in another form
	Damage string // what is wrong with the old content, if virtmap wrote the file
}

// A Report is what a run did.
type Report struct {
	Changes []Change
	Held    []string // files that would change, but for Output.Hold
	Adopted []Change // held files that a person made
	Stale   []string // files that virtmap wrote, and that the set no longer has
}

// A Foreign error lists files that a person made or changed.
type Foreign struct{ Files []Change }

func (e *Foreign) Error() string {
	names := make([]string, len(e.Files))
	for i, f := range e.Files {
		names[i] = f.Path
	}
	return strings.Join(names, ", ") + ": not written by virtmap, or changed since"
}

var (
	// ErrCreate is wrapped by errors about a file or folder that could not be
	// created.
	ErrCreate = errors.New("cannot create")
	// ErrNotFile is wrapped by errors about a link or a device in the place
	// of a file.
	ErrNotFile = errors.New("is no regular file, and a rename would replace it and not what it leads to; name the file itself, or remove it")
	// ErrChanged is wrapped by errors about a file that changed during the
	// run.
	ErrChanged = errors.New("was changed while the build ran")
	// ErrRecord is wrapped by errors after the last rename: all files are in
	// place, and only their record was not written.
	ErrRecord = errors.New("all files are in place; only the record of them was not written")
)

// Publish puts the set in place. When Publish fails or ctx ends before the first
// rename, no file has changed and no staged file is left. An error that wraps
// ErrRecord comes with a valid report.
func Publish(ctx context.Context, s Set) (Report, error) {
	p := &publisher{Set: s, ctx: ctx, digests: map[string]string{}, now: map[string]seen{}, damaged: map[string]bool{}}
	unlock, err := p.begin()
	if err != nil {
		return Report{}, err
	}
	report, err := p.run()
	return report, errors.Join(err, unlock())
}

type publisher struct {
	Set
	ctx      context.Context
	manifest manifest
	seen     map[string]seen   // by name: states of large files, from earlier runs
	now      map[string]seen   // the same, from this run
	digests  map[string]string // by path: digests of the installed files that were read
	pending  []staged          // outputs that are written in this run
	held     []staged          // outputs that would change, but for Output.Hold
	touched  []string          // unchanged maps that need a new time, because their text is newer
	damaged  map[string]bool   // by path: the installed file is damaged
	unclean  error             // why files that an earlier run left could not be removed

	generation int  // number of the new generation
	unrecorded bool // no manifest is written
}

// A staged is an output that differs from the installed file.
type staged struct {
	out     Output
	info    Info   // of the installed file
	foreign []byte // content of the installed file, to be kept: a person may have made it
	change  Change

	bridge func(io.WriteSeeker) error // writes the bridge; nil: there is none
	sums   [2]string                  // digests of the new file and of its bridge
}

// begin makes the folders, takes the locks, finishes the renames of a run that
// was stopped, and reads the manifest. In a dry run begin reads the manifest
// and changes nothing.
func (p *publisher) begin() (unlock func() error, err error) {
	unlock = func() error { return nil }
	if !p.DryRun {
		if !p.Entered {
			if unlock, err = Enter(p.ctx, p.FS, filepath.Dir(p.Outputs[0].Path), p.State, Holder{Tell: p.tell}); err != nil {
				return nil, err
			}
		}
	}
	// readManifest may need generations that are not finished, and clean
	// removes them.
	if err := p.readManifest(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	p.seen = readSeen(p.FS, p.State)
	if !p.DryRun {
		p.clean()
	}
	return unlock, nil
}

// run compares, asks for approval, stages and renames.
func (p *publisher) run() (Report, error) {
	p.enter("compare with what is installed")
	if err := p.compare(); err != nil {
		return Report{}, err
	}
	report := Report{Stale: p.stale()}
	for _, s := range p.pending {
		report.Changes = append(report.Changes, s.change)
	}
	for _, s := range p.held {
		report.Held = append(report.Held, s.out.Path)
		if s.foreign != nil {
			report.Adopted = append(report.Adopted, s.change)
		}
	}
	if decided := slices.Concat(report.Changes, report.Adopted); p.Approve != nil && len(decided) > 0 {
		p.enter("compare outcomes for the guards")
		if err := p.Approve(decided); err != nil {
			return Report{}, err
		}
	}
	if p.DryRun || p.Still && len(p.pending) == 0 {
		return report, nil
	}
	if err := p.prepare(); err != nil {
		p.discard()
		return Report{}, err
	}
	p.enter("put in place")
	if err := p.swap(); err != nil {
		return report, err
	}
	return report, p.writeRecords()
}

// prepare does all that can be done before the first rename.
func (p *publisher) prepare() error {
	if len(p.pending) > 0 && p.unclean != nil {
		return p.unclean
	}
	if err := p.stage(); err != nil {
		return err
	}
	if len(p.pending) == 0 && !p.takesOver() {
		return nil
	}
	if p.Verify != nil && len(p.held) == 0 { // only a whole set can keep the promise
		p.enter("prove over SMTP")
		if err := p.Verify(p.at); err != nil {
			return err
		}
	}
	if err := p.keepForeign(); err != nil {
		return err
	}
	p.enter("keep the generation")
	if err := p.generations(); err != nil {
		return err
	}
	return p.ctx.Err()
}
