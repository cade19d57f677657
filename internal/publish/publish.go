// Package publish puts a set of files in place: whole or not at all, and
// nothing that a person made without being told to.
//
// Every file is written beside its place, synced and read back; only when all
// of them are there is the first one renamed. Files that already say what they
// should are left alone, down to their times. A replaced file keeps its owner,
// group and mode. What we wrote is recorded in a manifest in the state folder;
// a file that is neither there nor says the same was made or changed by hand
// and is not overwritten without Adopt.
//
// The order of the outputs is the order of the renames, and the caller's to
// choose: see package fileset. Before the first of them the list of renames is
// written to a journal: a run that was stopped in between is finished by the
// next, before it does anything else.
//
// Every set is kept as a generation. The state folder has
//
//	manifest.json            what we wrote, by digest
//	journal.json             the renames of a run that is at work, or was stopped
//	lock                     who is at work, or was last
//	unannounced              what changed and nobody was told of yet
//	adopted/NAME             a file that a person made, or that was damaged
//	generations/7/meta.json  when, who, of which inventory, and the files
//	generations/7/NAME       a file of the set, a copy: it is never renamed or
//	                         linked into place, so that nobody changes it
//
// A map that we wrote is not among the copies: it is made again from its text.
//
// Nothing that is installed stops a run by being damaged. A map that cannot be
// read, a text that is empty or was cut, is made anew where it was ours; a
// generation that is not whole is left out; what is damaged of the state is
// made of what else there is, and kept as NAME.damaged where it may be of use.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mmap"
)

// An Output is one file to be published. All outputs but shared ones are in
// one folder.
type Output struct {
	Path string // of the file
	Mode fs.FileMode
	UID  int // owner of a file that is new; -1: ours

	Write func(w io.WriteSeeker) error

	// Check reads back what was written.
	Check func(image *mmap.Image) error
	// Damaged says why an installed file cannot be what anybody wrote: such a
	// file of ours is made anew. It gives nil for one that can be. May be nil.
	Damaged func(image *mmap.Image) error
	// Same reports whether an installed file says what we would write.
	Same func(image *mmap.Image) bool
	// Rebuilt reports whether an installed file that we did not write says
	// what ours said: systems rebuild maps from their texts. May be nil.
	Rebuilt func(image *mmap.Image, read func(path string) ([]byte, error)) bool
	// Alike reports whether an installed file says the same in another way. May
	// be nil: none does.
	Alike func(image *mmap.Image) bool
	// Lost lists what replacing a file that a person made would lose.
	Lost func(image *mmap.Image) []string
	// Bridge gives, of a map that other files of the set lead to, the form
	// that serves the old ones as well as the new while they are swapped; nil
	// when the new map does. text is given where the installed map is damaged:
	// what it was made of. May be nil.
	Bridge func(installed *mmap.Image, text []byte) func(w io.WriteSeeker) error

	Hold    bool   // not written for now; a file that a person made is adopted all the same
	Shared  bool   // a person's file that we keep a part of: never foreign
	Base    []byte // of a shared file: what was there when its new text was made
	IfKnown bool   // written only where we wrote it before
	Source  string // path of the text this is a map of: its time is no later
}

// A Set is what one run publishes.
type Set struct {
	Outputs []Output
	State   string // folder of the manifest and the lock
	Adopt   bool   // take over files that a person made
	DryRun  bool   // find out what would be done
	FS      FS

	// Entered says that the caller holds the folders, by Enter.
	Entered bool
	// Records are further files of the state folder, written when all outputs
	// are in place.
	Records []Record

	// Note is kept in the state folder from before the first rename until
	// Announced: a run that is stopped must not hide that something changed.
	Note func(changes []Change) string

	// Tell is given a line about everything that is found damaged, but for the
	// outputs: those are in the report. May be nil.
	Tell func(line string)

	// Watch is told what the run is doing. May be nil.
	Watch Watcher

	Meta Meta          // of the generation
	Keep int           // how many generations are kept beside it; below zero: none is made
	Gap  time.Duration // between two swaps of one map, for who has it open

	// Approve may refuse the changes, before anything is written. May be nil.
	Approve func(changes []Change) error
	// Verify may refuse what is staged. at gives the place of what will be
	// at a path. May be nil.
	Verify func(at func(path string) string) error
}

// A Watcher follows a run: the stage that it enters, and the bytes that a stage
// has read or written.
type Watcher interface {
	Enter(stage string)
	Bytes(n int64)
}

func (p *publisher) enter(stage string) {
	if p.Watch != nil {
		p.Watch.Enter(stage)
	}
}

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
	Aside   bool // the file that is there is damaged: it is kept under another name
}

// A Change is a file that was written, or would be.
type Change struct {
	Path string
	New  bool
	Lost []string // what is lost of a file that a person made
	Kept string   // where that file is kept

	Alike  bool   // the file said the same before, in another way
	Damage string // why what is there cannot be what we wrote, where it was ours
}

// A Report says what a run did.
type Report struct {
	Changes []Change
	Held    []string // files that would change, and are not written for now
	Adopted []Change // those of the held files that a person made
	Stale   []string // files of ours that are no longer written
}

// A Foreign error lists files that a person made.
type Foreign struct{ Files []Change }

func (e *Foreign) Error() string {
	names := make([]string, len(e.Files))
	for i, f := range e.Files {
		names[i] = f.Path
	}
	return strings.Join(names, ", ") + ": not written by virtmap, or changed since"
}

var (
	// ErrCreate is wrapped by errors about a file that could not be written
	// beside its place.
	ErrCreate = errors.New("cannot create")
	// ErrNotFile is wrapped by errors about a link or a device in the place
	// of a file.
	ErrNotFile = errors.New("is no regular file, and a rename would replace it and not what it leads to; name the file itself, or remove it")
	// ErrChanged is wrapped by errors about a file that changed while the
	// run was at work.
	ErrChanged = errors.New("was changed while the build ran")
	// ErrRecord is wrapped by errors after all files are in place: only the
	// record of them was not written.
	ErrRecord = errors.New("all files are in place; only the record of them was not written")
)

// Publish puts the set in place. When it fails or ctx ends before the first
// rename, no file has changed and none is left behind. With ErrRecord the
// report is valid too.
func Publish(ctx context.Context, s Set) (Report, error) {
	p := &publisher{Set: s, ctx: ctx, digests: map[string]string{}, damaged: map[string]bool{}}
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
	digests  map[string]string // of installed files, by path, once they were read
	pending  []staged
	held     []staged        // outputs that would change
	touched  []string        // maps whose text changed and that did not
	damaged  map[string]bool // installed files that are, by path
	unclean  error           // why what was left by another run is still there

	generation int  // the number of the new one
	unrecorded bool // no manifest is kept
}

type staged struct {
	out     Output
	info    Info   // of the file that is replaced
	foreign []byte // that file, where a person made it
	change  Change

	bridge func(io.WriteSeeker) error // writes the bridge; nil: there is none
	sums   [2]string                  // digests of the staged file and of its bridge
}

// begin makes the folders, takes the lock, finishes what a run that was stopped
// had begun, and reads the manifest. A dry run changes nothing, not even that.
func (p *publisher) begin() (unlock func() error, err error) {
	unlock = func() error { return nil }
	if !p.DryRun {
		if !p.Entered {
			if unlock, err = Enter(p.ctx, p.FS, filepath.Dir(p.Outputs[0].Path), p.State, Holder{Tell: p.tell}); err != nil {
				return nil, err
			}
		}
	}
	// A generation that is not in place yet may know what the manifest knew.
	if err := p.readManifest(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	if !p.DryRun {
		p.clean()
	}
	return unlock, nil
}

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
	if p.DryRun {
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
	if p.Verify != nil && len(p.held) == 0 { // a part of a set keeps no promise
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

// takesOver reports whether a file that a person made is to be replaced later.
func (p *publisher) takesOver() bool {
	return slices.ContainsFunc(p.held, func(s staged) bool { return s.foreign != nil })
}

// at is where the new content of a path is.
func (p *publisher) at(path string) string {
	if slices.ContainsFunc(p.pending, func(s staged) bool { return s.out.Path == path }) {
		return beside(path)
	}
	return path
}

// writeRecords writes the further files of the state folder.
func (p *publisher) writeRecords() error {
	for _, record := range p.Records {
		path := filepath.Join(p.State, record.Name)
		if record.Aside && exists(p.FS, path) {
			if _, err := putAside(p.FS, path); err != nil {
				return fmt.Errorf("%w: %w", ErrRecord, err)
			}
		}
		if err := p.writeState(path, record.Content); err != nil {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	return nil
}
