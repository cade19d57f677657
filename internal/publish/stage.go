package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"virtmap/internal/mmap"
)

// stage writes every staged file, syncs it and reads it back. It writes all files
// before it syncs the first, so that the disk can begin early.
func (p *publisher) stage() error {
	var written []unsynced
	defer func() {
		for _, u := range written {
			_ = u.file.Close() // after an error; otherwise sync has closed it
		}
	}()
	p.enter("write")
	for i := range p.pending {
		s := &p.pending[i]
		for _, form := range s.forms() {
			if err := p.ctx.Err(); err != nil {
				return err
			}
			u, err := p.stageAs(form.name, s, form.write)
			if err != nil {
				return err
			}
			written = append(written, u)
			if info, err := p.FS.Stat(form.name); err == nil {
				p.count(int(info.Size))
			}
		}
	}
	p.enter("wait for the disk")
	for _, u := range written {
		if err := u.sync(); err != nil {
			return err
		}
	}
	p.enter("read back")
	for i := range p.pending {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		if err := p.readBack(&p.pending[i]); err != nil {
			return err
		}
	}
	return p.ctx.Err()
}

// A form is one file that is staged for an output: the new file, or its bridge.
type form struct {
	name  string
	write func(io.WriteSeeker) error
}

// forms returns the files that are staged for an output.
func (s *staged) forms() []form {
	forms := []form{{beside(s.out.Path), s.out.Write}}
	if s.bridge != nil {
		forms = append(forms, form{bridge(s.out.Path), s.bridge})
	}
	return forms
}

// readBack checks a staged file and adds its digests to the manifest.
func (p *publisher) readBack(s *staged) error {
	path := s.out.Path
	err := p.image(beside(path), func(image *mmap.Image) error {
		if err := s.out.Check(image); err != nil {
			return fmt.Errorf("%q was read back: %w", path, err)
		}
		if !p.unrecorded {
			s.sums[0] = digest(image)
		}
		return nil
	})
	if err != nil || p.unrecorded {
		return err
	}
	sums := []string{s.sums[0]}
	if s.bridge != nil {
		if s.sums[1], err = digestOf(p.FS, bridge(path)); err != nil {
			return err
		}
		sums = []string{s.sums[1], s.sums[0]}
	}
	if !s.out.Shared {
		p.manifest.Files[key(path)] = append(p.manifest.Files[key(path)], sums...)
	}
	return nil
}

// stageAs writes a file with the owner, mode and SELinux context of the file that
// it will replace.
func (p *publisher) stageAs(name string, s *staged, write func(io.WriteSeeker) error) (unsynced, error) {
	return p.create(name, s.info.Mode, func(f File) error {
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
}

// write creates a file, writes it and syncs it.
func (p *publisher) write(path string, mode fs.FileMode, write func(File) error) error {
	u, err := p.create(path, mode, write)
	if err != nil {
		return err
	}
	return u.sync()
}

// unsynced is a file that was written and must be synced.
type unsynced struct {
	path string
	file File
}

func (u unsynced) sync() error {
	if err := errors.Join(u.file.Sync(), u.file.Close()); err != nil {
		return fmt.Errorf("write %q: %w", u.path, err)
	}
	return nil
}

// create creates a file and writes it.
func (p *publisher) create(path string, mode fs.FileMode, write func(File) error) (unsynced, error) {
	f, err := p.FS.Create(path, 0o600)
	if errors.Is(err, fs.ErrExist) { // a folder or device: clean has removed files
		if err := makeRoom(p.FS, path, p.tell); err != nil {
			return unsynced{}, err
		}
		f, err = p.FS.Create(path, 0o600)
	}
	if err != nil {
		return unsynced{}, fmt.Errorf("%w: %w", ErrCreate, err)
	}
	if err = write(f); err == nil {
		err = f.Chmod(mode.Perm())
	}
	if err != nil {
		return unsynced{}, fmt.Errorf("write %q: %w", path, errors.Join(err, f.Close()))
	}
	return unsynced{path, f}, nil
}

// chown sets the owner and group of the file that is replaced. Only root may set
// other ones than the user's own. Where they cannot be kept, the file is not
// replaced.
func chown(f File, info Info) error {
	if info.UID < 0 && info.GID < 0 {
		return nil
	}
	if err := f.Chown(info.UID, info.GID); err != nil {
		return fmt.Errorf("keep its owner %d and group %d: %w", info.UID, info.GID, err)
	}
	return nil
}

// discard removes all staged files and unfinished generations.
func (p *publisher) discard() {
	for _, s := range p.pending {
		_ = p.FS.Remove(beside(s.out.Path)) // the error that led here is the one to report
		_ = p.FS.Remove(bridge(s.out.Path))
	}
	_ = p.dropUnfinished()
}
