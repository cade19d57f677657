package publish

import (
	"errors"
	"fmt"
	"io/fs"
)

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
