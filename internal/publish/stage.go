package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// stage writes every file beside its place and reads it back.
func (p *publisher) stage() error {
	for i := range p.pending {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if err := p.stageOne(&p.pending[i]); err != nil {
			return err
		}
	}
	return p.ctx.Err()
}

func (p *publisher) stageOne(s *staged) error {
	path := s.out.Path
	image, err := p.stageAs(beside(path), s, s.out.Write)
	if err != nil {
		return err
	}
	if err := s.out.Check(image); err != nil {
		return fmt.Errorf("%q was read back: %w", path, err)
	}
	s.sums[0] = digest(image)
	if !s.out.Shared {
		p.manifest.Files[key(path)] = append(p.manifest.Files[key(path)], s.sums[0])
	}
	if s.bridge == nil {
		return nil
	}
	if image, err = p.stageAs(bridge(path), s, s.bridge); err != nil {
		return err
	}
	s.sums[1] = digest(image)
	p.manifest.Files[key(path)] = append([]string{s.sums[1]}, p.manifest.Files[key(path)]...)
	return nil
}

// stageAs writes a file with the owner and mode of the one that is replaced,
// and reads it back.
func (p *publisher) stageAs(name string, s *staged, write func(io.WriteSeeker) error) ([]byte, error) {
	err := p.write(name, s.info.Mode, func(f File) error {
		if err := write(f); err != nil {
			return err
		}
		if !s.change.New {
			if err := f.Label(s.out.Path); err != nil {
				return fmt.Errorf("keep its SELinux context: %w", err)
			}
		}
		return chown(f, s.info)
	})
	if err != nil {
		return nil, err
	}
	return p.FS.ReadFile(name)
}

// write writes a file that is not there and syncs it.
func (p *publisher) write(path string, mode fs.FileMode, write func(File) error) (err error) {
	f, err := p.FS.Create(path, 0o600)
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
		_ = p.FS.Remove(bridge(s.out.Path))
	}
	_ = p.dropUnfinished()
}
