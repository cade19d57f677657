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

// swap renames the staged files in order. Before the first rename the manifest
// gets the old and the new digests, and after the last only the new ones.
func (p *publisher) swap() error {
	if err := p.rename(); err != nil {
		return err
	}
	for _, path := range p.touched {
		// Where the time cannot be set, the system may rebuild the map. Its
		// text has the same rows.
		if err := p.FS.Touch(path, time.Now()); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	if err := p.settle(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

// settle records that all files are in place: only the new digests stay in the
// manifest, the generation gets its number, and the journal is removed.
func (p *publisher) settle() error {
	for name, digests := range p.manifest.Files {
		p.manifest.Files[name] = digests[len(digests)-1:]
	}
	if err := p.writeManifest(); err != nil {
		return err
	}
	_ = p.see() // without the record, the next run reads the files
	if len(p.pending) == 0 {
		return nil
	}
	if err := nameGeneration(p.FS, p.State, p.generation, p.tell); err != nil {
		return err
	}
	return errors.Join(removeJournal(p.FS, p.State), p.prune())
}

// rename writes the journal and does the renames.
func (p *publisher) rename() error {
	if len(p.pending) == 0 {
		return nil
	}
	j := p.journal()
	if err := p.commit(j); err != nil {
		p.discard()
		return err
	}
	// From here on nothing is undone: after an error, the next run does the
	// remaining renames.
	for _, step := range j.Steps {
		if err := step.do(p.FS, p.Gap); err != nil {
			return fmt.Errorf("%w (some of the files are in place; the next build puts the others there)", err)
		}
	}
	return nil
}

// commit writes the manifest, the note and, when all staged files are safe on
// disk, the journal.
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
		return errors.Join(err, p.restoreNote(earlier))
	}
	return nil
}

// keepForeign copies the files that a person made to the state folder: those that
// this run replaces, and those that are held. A held file also goes into the
// manifest, so that a later run may replace it, unless it changes before.
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

// unchanged makes sure that the installed files have not changed since compare.
// To stage a large table takes seconds, and a person may edit a file meanwhile.
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

// NoteName is the name of the file with the notes in the state folder.
const NoteName = "unannounced"

// writeNote adds the note of this run to the file of notes, and returns the
// earlier notes. It does not write an empty file, because an empty file counts as
// damaged.
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
	return earlier, p.writeState(filepath.Join(p.State, NoteName), []byte(note))
}

// restoreNote writes the earlier notes again, when the renames do not happen.
func (p *publisher) restoreNote(earlier string) error {
	switch {
	case p.Note == nil:
		return nil
	case earlier == "":
		return Announced(p.FS, p.State)
	}
	return p.writeState(filepath.Join(p.State, NoteName), []byte(earlier))
}

// Unreadable stands for a damaged note: anything may have changed.
const Unreadable = "unreadable"

// Unannounced returns the notes about changes that no message has reported yet.
func Unannounced(files FS, state string) string {
	text, err := readState(files, filepath.Join(state, NoteName))
	switch note := strings.TrimSpace(string(text)); {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil, note == "", strings.ContainsFunc(note, func(r rune) bool { return r < ' ' || r > '~' }):
		return Unreadable
	default:
		return note
	}
}

// Announced removes the notes, because their changes were reported.
func Announced(files FS, state string) error {
	path := filepath.Join(state, NoteName)
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
