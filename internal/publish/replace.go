package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// A Replacement is one file that is put in place without a manifest and a
// generation, whoever made the file that is there.
type Replacement struct {
	FS   FS
	Gap  time.Duration // see Set
	Wait time.Duration // how long to wait for another build in the folder
	// Make returns the output. It is called when the folder is locked.
	Make  func() (Output, error)
	Watch Watcher // may be nil
}

// Replace puts one file in place as a whole. Replace locks its folder, and fails
// when the installed file changes meanwhile.
func Replace(ctx context.Context, folder string, r Replacement) (err error) {
	unlock, err := lockUntil(ctx, r.FS, folder, time.Now().Add(r.Wait))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	out, err := r.Make()
	if err != nil {
		return err
	}
	p := &publisher{Set: Set{Outputs: []Output{out}, FS: r.FS, Gap: r.Gap, Watch: r.Watch}, ctx: ctx, unrecorded: true}
	if err := p.replace(out); err != nil {
		_ = r.FS.Remove(beside(out.Path)) // the error that led here is the one to report
		return err
	}
	return nil
}

// replace stages the output and renames it.
func (p *publisher) replace(out Output) error {
	if err := p.FS.Remove(beside(out.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	s := staged{out: out, info: Info{Mode: out.Mode, UID: out.UID, GID: -1}, change: Change{Path: out.Path, New: true}}
	switch info, err := p.FS.Stat(out.Path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode.IsRegular():
		return fmt.Errorf("%q %w", out.Path, ErrNotFile)
	default:
		s.info, s.change.New = info, false
	}
	p.pending = []staged{s}
	if err := errors.Join(p.stage(), p.unchanged()); err != nil {
		return err
	}
	p.enter("put in place")
	path, err := filepath.Abs(out.Path)
	if err != nil {
		return err
	}
	return step{From: beside(path), To: path, Map: out.Source != ""}.do(p.FS, p.Gap)
}
