package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// swap renames the staged files in order. The manifest knows old and new
// digests before the first rename, and the new ones alone after the last.
func (p *publisher) swap() error {
	if err := p.rename(); err != nil {
		return err
	}
	for _, path := range p.touched {
		// Without the right to set it, the system rebuilds the map from a
		// text with the same rows.
		if err := p.FS.Touch(path, time.Now()); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	if err := p.settle(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

// settle leaves the new digests alone in the manifest, and removes the journal.
func (p *publisher) settle() error {
	for name, digests := range p.manifest.Files {
		p.manifest.Files[name] = digests[len(digests)-1:]
	}
	if err := p.writeManifest(); err != nil {
		return err
	}
	if len(p.pending) == 0 {
		return nil
	}
	if err := nameGeneration(p.FS, p.State, p.generation, p.tell); err != nil {
		return err
	}
	return errors.Join(removeJournal(p.FS, p.State), p.prune())
}

func (p *publisher) rename() error {
	if len(p.pending) == 0 {
		return nil
	}
	j := p.journal()
	if err := p.commit(j); err != nil {
		p.discard()
		return err
	}
	// From here on there is no way back: what fails now is finished by the
	// next run.
	for _, step := range j.Steps {
		if err := step.do(p.FS, p.Gap); err != nil {
			return fmt.Errorf("%w (some of the files are in place; the next build puts the others there)", err)
		}
	}
	return nil
}

// commit writes the journal, when everything that it names will last.
func (p *publisher) commit(j journal) error {
	if err := p.unchanged(); err != nil {
		return err
	}
	if err := p.writeManifest(); err != nil {
		return err
	}
	synced := map[string]bool{}
	for _, s := range p.pending {
		dir := filepath.Dir(s.out.Path)
		if synced[dir] {
			continue
		}
		if err := p.FS.SyncDir(dir); err != nil {
			return err
		}
		synced[dir] = true
	}
	earlier, err := p.writeNote()
	if err != nil {
		return err
	}
	if err := j.write(p); err != nil {
		return errors.Join(err, p.takeNoteBack(earlier))
	}
	return nil
}

// keepForeign keeps the files that a person made and that are replaced now or, when
// they are held, later. The manifest lists a held one as ours, so that a later run
// replaces it as long as it stays as it is.
func (p *publisher) keepForeign() error {
	for _, s := range slices.Concat(p.pending, p.held) {
		if s.foreign == nil {
			continue
		}
		if err := makeFolder(p.FS, filepath.Dir(s.change.Kept), 0o700, p.tell); err != nil {
			return err
		}
		if err := p.writeState(s.change.Kept, s.foreign); err != nil {
			return err
		}
		if s.out.Hold {
			p.manifest.Files[key(s.out.Path)] = []string{p.digests[s.out.Path]}
		}
	}
	return nil
}

// unchanged makes sure that the files to be replaced are those that were
// looked at: staging a large table takes seconds, and people edit files.
func (p *publisher) unchanged() error {
	for _, s := range slices.Concat(p.pending, p.held) {
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

const noteName = "unannounced"

// writeNote adds the note of this run to those that earlier runs left, and gives
// these. An empty note is not written: an empty file counts as a damaged one.
func (p *publisher) writeNote() (earlier string, err error) {
	if p.Note == nil {
		return "", nil
	}
	var changes []Change
	for _, s := range p.pending {
		changes = append(changes, s.change)
	}
	earlier = Unannounced(p.FS, p.State)
	note := strings.TrimSpace(earlier + " " + p.Note(changes))
	if note == earlier {
		return earlier, nil
	}
	return earlier, p.writeState(filepath.Join(p.State, noteName), []byte(note))
}

// takeNoteBack leaves the note of a swap that does not happen as it was.
func (p *publisher) takeNoteBack(earlier string) error {
	switch {
	case p.Note == nil:
		return nil
	case earlier == "":
		return Announced(p.FS, p.State)
	}
	return p.writeState(filepath.Join(p.State, noteName), []byte(earlier))
}

// Unreadable is the note in place of one that is damaged: anything may have
// changed.
const Unreadable = "unreadable"

// Unannounced gives the notes of changes that nobody was told of.
func Unannounced(files FS, state string) string {
	text, err := readState(files, filepath.Join(state, noteName))
	switch note := strings.TrimSpace(string(text)); {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil, note == "", strings.ContainsFunc(note, func(r rune) bool { return r < ' ' || r > '~' }):
		return Unreadable
	default:
		return note
	}
}

// Announced forgets the notes.
func Announced(files FS, state string) error {
	path := filepath.Join(state, noteName)
	info, err := files.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.Mode.IsRegular():
		_, err = putAside(files, path)
		return err
	}
	if err := files.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
