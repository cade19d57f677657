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
// choose: see package fileset.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// An Output is one file to be published. All outputs but shared ones are in
// one folder.
type Output struct {
	Path string // of the file
	Mode fs.FileMode
	UID  int // owner of a file that is new; -1: ours

	Write func(w io.WriteSeeker) error

	// Check reads back what was written.
	Check func(image []byte) error
	// Same reports whether an installed file says what we would write.
	Same func(image []byte) bool
	// Rebuilt reports whether an installed file that we did not write says
	// what ours said: systems rebuild maps from their texts. May be nil.
	Rebuilt func(image []byte, read func(path string) ([]byte, error)) bool
	// Lost lists what replacing a file that a person made would lose.
	Lost func(image []byte) []string

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
}

// A Record is a file of the state folder.
type Record struct {
	Name    string
	Content []byte
}

// A Change is a file that was written, or would be.
type Change struct {
	Path string
	New  bool
	Lost []string // what is lost of a file that a person made
	Kept string   // where that file is kept
}

// A Report says what a run did.
type Report struct {
	Changes []Change
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
	p := &publisher{Set: s, ctx: ctx}
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
	pending  []staged
	touched  []string // maps whose text changed and that did not
}

type staged struct {
	out     Output
	info    Info   // of the file that is replaced
	foreign []byte // that file, where a person made it
	change  Change
}

// begin makes the folders, takes the lock and reads the manifest. A dry run
// changes nothing, not even that.
func (p *publisher) begin() (unlock func() error, err error) {
	unlock = func() error { return nil }
	if !p.DryRun {
		if !p.Entered {
			if unlock, err = Enter(p.FS, filepath.Dir(p.Outputs[0].Path), p.State); err != nil {
				return nil, err
			}
		}
		if err := p.clean(); err != nil {
			return nil, errors.Join(err, unlock())
		}
	}
	if err := p.readManifest(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// Enter makes the folder of the files and that of the state, and locks both
// until leave is called. Who decides by what is installed what is to be
// published enters before, and publishes with Entered.
func Enter(files FS, folder, state string) (leave func() error, err error) {
	var unlocks []func() error
	leave = func() (err error) {
		for _, u := range unlocks {
			err = errors.Join(err, u())
		}
		return err
	}
	for _, dir := range []string{folder, state} {
		if dir == state && filepath.Clean(dir) == filepath.Clean(folder) {
			continue // locked already
		}
		if err := files.MkdirAll(dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrCreate, err), leave())
		}
		u, err := files.Lock(dir)
		if err != nil {
			return nil, errors.Join(err, leave())
		}
		unlocks = append(unlocks, u)
	}
	return leave, nil
}

// clean removes what a run that was killed left there.
func (p *publisher) clean() error {
	leftovers := []string{filepath.Join(p.State, manifestName)}
	for _, out := range p.Outputs {
		leftovers = append(leftovers, out.Path)
	}
	for _, record := range p.Records {
		leftovers = append(leftovers, filepath.Join(p.State, record.Name))
	}
	for _, path := range leftovers {
		if err := p.FS.Remove(beside(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrCreate, err)
		}
	}
	return nil
}

func (p *publisher) run() (Report, error) {
	if err := p.compare(); err != nil {
		return Report{}, err
	}
	report := Report{Stale: p.stale()}
	for _, s := range p.pending {
		report.Changes = append(report.Changes, s.change)
	}
	if p.DryRun {
		return report, nil
	}
	if err := p.stage(); err != nil {
		p.discard()
		return Report{}, err
	}
	if err := p.swap(); err != nil {
		return report, err
	}
	return report, p.writeRecords()
}

// writeRecords writes the further files of the state folder.
func (p *publisher) writeRecords() error {
	for _, record := range p.Records {
		if err := p.writeState(filepath.Join(p.State, record.Name), record.Content); err != nil {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	return nil
}
