package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// Replace puts one file in place, whole or not at all, and keeps no record of
// it: who asks for it means to replace what is there. gap is as in Set; watch
// may be nil.
func Replace(ctx context.Context, files FS, out Output, gap time.Duration, watch Watcher) error {
	p := &publisher{Set: Set{Outputs: []Output{out}, FS: files, Gap: gap, Watch: watch}, ctx: ctx, unrecorded: true}
	if err := files.Remove(beside(out.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	s := staged{out: out, info: Info{Mode: out.Mode, UID: out.UID, GID: -1}, change: Change{Path: out.Path, New: true}}
	switch info, err := files.Stat(out.Path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode.IsRegular():
		return fmt.Errorf("%q %w", out.Path, ErrNotFile)
	default:
		s.info, s.change.New = info, false
	}
	p.pending = []staged{s}
	err := p.stage()
	if err == nil {
		err = p.unchanged()
	}
	if err == nil {
		p.enter("put in place")
		path, problem := filepath.Abs(out.Path)
		if err = problem; err == nil {
			err = step{From: beside(path), To: path, Map: out.Source != ""}.do(files, gap)
		}
	}
	if err != nil {
		_ = files.Remove(beside(out.Path)) // the error that led here is the one to report
	}
	return err
}
