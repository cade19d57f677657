package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

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
	for _, s := range p.pending {
		if err := p.renameOne(s); err != nil {
			return fmt.Errorf("%w (the files before %q are in place; run the build again)", err, s.out.Path)
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
