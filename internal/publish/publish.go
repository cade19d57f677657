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
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
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
		if unlock, err = p.prepare(); err != nil {
			return nil, err
		}
	}
	if err := p.readManifest(); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// prepare makes the folders, locks the state and the folder of the files, and
// removes what a run that was killed left there.
func (p *publisher) prepare() (unlock func() error, err error) {
	folder := filepath.Dir(p.Outputs[0].Path)
	var unlocks []func() error
	unlock = func() (err error) {
		for _, u := range unlocks {
			err = errors.Join(err, u())
		}
		return err
	}
	for _, dir := range []string{folder, p.State} {
		if dir == p.State && filepath.Clean(dir) == filepath.Clean(folder) {
			continue // locked already
		}
		if err := p.FS.MkdirAll(dir, 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrCreate, err), unlock())
		}
		u, err := p.FS.Lock(dir)
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		unlocks = append(unlocks, u)
	}
	leftovers := []string{filepath.Join(p.State, manifestName)}
	for _, out := range p.Outputs {
		leftovers = append(leftovers, out.Path)
	}
	for _, path := range leftovers {
		if err := p.FS.Remove(beside(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(fmt.Errorf("%w: %w", ErrCreate, err), unlock())
		}
	}
	return unlock, nil
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
	return report, p.swap()
}

// compare finds what is to be written, and refuses what is not ours.
func (p *publisher) compare() error {
	var foreign Foreign
	for _, out := range p.Outputs {
		info, err := p.FS.Stat(out.Path)
		if errors.Is(err, fs.ErrNotExist) {
			if _, known := p.manifest.Files[key(out.Path)]; known || !out.IfKnown {
				p.pending = append(p.pending, staged{out: out, info: Info{Mode: out.Mode, UID: out.UID, GID: -1}, change: Change{Path: out.Path, New: true}})
			}
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode.IsRegular() {
			return fmt.Errorf("%q %w", out.Path, ErrNotFile)
		}
		image, err := p.FS.ReadFile(out.Path)
		if err != nil {
			return err
		}
		if out.Same(image) {
			p.keep(out, info, image)
			continue
		}
		if out.Shared && !bytes.Equal(image, out.Base) {
			return fmt.Errorf("%q %w", out.Path, ErrChanged)
		}
		s := staged{out: out, info: info, change: Change{Path: out.Path}}
		if out.Shared {
			s.change.Lost = out.Lost(image)
		} else if !p.ours(out, image) {
			s.change.Lost, s.foreign = out.Lost(image), image
			s.change.Kept = filepath.Join(p.State, "adopted", key(out.Path))
			foreign.Files = append(foreign.Files, s.change)
		}
		p.pending = append(p.pending, s)
	}
	if foreign.Files != nil && !p.Adopt {
		return &foreign
	}
	return nil
}

// keep leaves a file alone. A map must not look older than its text, or the
// system's own tools rebuild it.
func (p *publisher) keep(out Output, info Info, image []byte) {
	if !out.Shared {
		p.manifest.Files[key(out.Path)] = []string{digest(image)}
	}
	if out.Source == "" {
		return
	}
	text, err := p.FS.Stat(out.Source)
	changes := slices.ContainsFunc(p.pending, func(s staged) bool { return s.out.Path == out.Source })
	if changes || err == nil && text.ModTime.After(info.ModTime) {
		p.touched = append(p.touched, out.Path)
	}
}

func (p *publisher) ours(out Output, image []byte) bool {
	if p.manifest.wrote(out.Path, image) {
		return true
	}
	if out.Rebuilt == nil || len(p.manifest.Files[key(out.Path)]) == 0 {
		return false
	}
	return out.Rebuilt(image, func(path string) ([]byte, error) {
		text, err := p.FS.ReadFile(path)
		if err == nil && !p.manifest.wrote(path, text) {
			return nil, fmt.Errorf("%q was changed", path)
		}
		return text, err
	})
}

// stale lists files of ours that the set no longer has.
func (p *publisher) stale() []string {
	var stale []string
	for name := range p.manifest.Files {
		listed := slices.ContainsFunc(p.Outputs, func(o Output) bool { return key(o.Path) == name })
		path := filepath.Join(filepath.Dir(p.Outputs[0].Path), name)
		if _, err := p.FS.Stat(path); !listed && err == nil {
			stale = append(stale, path)
		}
	}
	slices.Sort(stale)
	return stale
}

// stage writes every file beside its place and reads it back.
func (p *publisher) stage() error {
	for _, s := range p.pending {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if err := p.stageOne(s); err != nil {
			return err
		}
	}
	return p.ctx.Err()
}

func (p *publisher) stageOne(s staged) error {
	path := s.out.Path
	err := p.write(path, s.info.Mode, func(f File) error {
		if err := s.out.Write(f); err != nil {
			return err
		}
		return chown(f, s.info)
	})
	if err != nil {
		return err
	}
	image, err := p.FS.ReadFile(beside(path))
	if err != nil {
		return err
	}
	if err := s.out.Check(image); err != nil {
		return fmt.Errorf("%q was read back: %w", path, err)
	}
	if !s.out.Shared {
		p.manifest.Files[key(path)] = append(p.manifest.Files[key(path)], digest(image))
	}
	return nil
}

// write writes the file beside path and syncs it.
func (p *publisher) write(path string, mode fs.FileMode, write func(File) error) (err error) {
	f, err := p.FS.Create(beside(path), 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = fmt.Errorf("write %q: %w", path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(mode.Perm()); err != nil {
		return err
	}
	return f.Sync()
}

// chown keeps owner and group. Only root can give a file away; for others it
// succeeds when owner and group are their own, and a replacement that would
// change them is refused.
func chown(f File, info Info) error {
	if info.UID < 0 && info.GID < 0 {
		return nil
	}
	if err := f.Chown(info.UID, info.GID); err != nil {
		return fmt.Errorf("keep its owner %d and group %d: %w", info.UID, info.GID, err)
	}
	return nil
}

// discard removes what was staged.
func (p *publisher) discard() {
	for _, s := range p.pending {
		_ = p.FS.Remove(beside(s.out.Path)) // the error that led here is the one to report
	}
}

// swap renames the staged files in order. The manifest knows old and new
// digests before the first rename, and the new ones alone after the last.
func (p *publisher) swap() error {
	if err := p.rename(); err != nil {
		p.discard()
		return err
	}
	for _, path := range p.touched {
		// Without the right to set it, the system rebuilds the map from a
		// text with the same rows.
		if err := p.FS.Touch(path, time.Now()); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	for name, digests := range p.manifest.Files {
		p.manifest.Files[name] = digests[len(digests)-1:]
	}
	if err := p.writeManifest(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

func (p *publisher) rename() error {
	if err := p.keepForeign(); err != nil {
		return err
	}
	if err := p.unchanged(); err != nil {
		return err
	}
	if err := p.writeManifest(); err != nil {
		return err
	}
	for i, s := range p.pending {
		if err := p.renameOne(s); err != nil {
			return fmt.Errorf("%w (%d of %d files are in place; run the build again)", err, i, len(p.pending))
		}
	}
	return nil
}

// keepForeign keeps the files that a person made and that are replaced now.
func (p *publisher) keepForeign() error {
	for _, s := range p.pending {
		if s.foreign == nil {
			continue
		}
		if err := p.FS.MkdirAll(filepath.Dir(s.change.Kept), 0o700); err != nil {
			return fmt.Errorf("%w: %w", ErrCreate, err)
		}
		if err := p.FS.Remove(beside(s.change.Kept)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", ErrCreate, err)
		}
		if err := p.writeState(s.change.Kept, s.foreign); err != nil {
			return err
		}
	}
	return nil
}

// unchanged makes sure that the files to be replaced are those that were
// looked at: staging a large table takes seconds, and people edit files.
func (p *publisher) unchanged() error {
	for _, s := range p.pending {
		info, err := p.FS.Stat(s.out.Path)
		gone := errors.Is(err, fs.ErrNotExist)
		if err != nil && !gone {
			return err
		}
		same := info.Inode == s.info.Inode && info.Size == s.info.Size && info.ModTime.Equal(s.info.ModTime)
		if gone != s.change.New || !gone && !same {
			return fmt.Errorf("%q %w", s.out.Path, ErrChanged)
		}
	}
	return nil
}

// renameOne puts one file in place. A sendmail that has the old map open looks
// at the time of that inode only, in whole seconds: it must move for the new
// one to be opened.
func (p *publisher) renameOne(s staged) error {
	var old Held
	if s.out.Source != "" && !s.change.New {
		var err error
		if old, err = p.FS.Hold(s.out.Path); err != nil {
			return err
		}
		defer old.Close()
	}
	if err := p.FS.Rename(beside(s.out.Path), s.out.Path); err != nil {
		return err
	}
	if err := p.FS.SyncDir(filepath.Dir(s.out.Path)); err != nil || old == nil {
		return err
	}
	later := s.info.ModTime.Add(time.Second)
	if now := time.Now(); now.After(later) {
		later = now
	}
	// Only its owner may: the session that has it open ends without us.
	if err := old.Touch(later); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
