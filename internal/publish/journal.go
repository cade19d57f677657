package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// A journal is the list of renames that bring a set into place. It is written
// when all of them can be done, and removed when all of them were.
type journal struct {
	Version    int    `json:"version"`
	Steps      []step `json:"steps"`
	Generation int    `json:"generation"` // what gets its name behind them
}

// A step is one rename.
type step struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Digest string `json:"sha256"`
	Map    bool   `json:"map"` // others may have the old one open
}

const journalName = "journal.json"

// journal lists the renames: bridges in the place of the maps they stand for,
// whose final forms come last.
func (p *publisher) journal() journal {
	j := journal{Version: 1, Generation: p.generation}
	var last []step
	for _, s := range p.pending {
		path := s.out.Path
		if abs, err := filepath.Abs(path); err == nil {
			path = abs // the next run may have another working directory
		}
		final := step{From: beside(path), To: path, Digest: s.sums[0], Map: s.out.Source != ""}
		if s.bridge != nil {
			last = append(last, final)
			final.From, final.Digest = bridge(path), s.sums[1]
		}
		j.Steps = append(j.Steps, final)
	}
	j.Steps = append(j.Steps, last...)
	return j
}

func (j journal) write(p *publisher) error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return p.writeState(filepath.Join(p.State, journalName), append(text, '\n'))
}

func removeJournal(files FS, state string) error {
	if err := files.Remove(filepath.Join(state, journalName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return files.SyncDir(state)
}

// mapWait is how long a swap waits for makemap to release a map.
const mapWait = 10 * time.Second

// do puts one file in place. A sendmail that has the old map open looks at the
// time of that inode only, in whole seconds: it must move for the new one to
// be opened, and two swaps must not come too close. The time of a file is that
// of its swap: of a map, for the next one; of the class w names, to tell
// whether sendmail was restarted since.
func (st step) do(files FS, gap time.Duration) error {
	info, err := files.Stat(st.To)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return err
	}
	// Nobody is locked out while this waits.
	if age := time.Since(info.ModTime); st.Map && !gone && age >= 0 && age < gap {
		time.Sleep(gap - age)
	}
	if err := files.Touch(st.From, time.Now()); err != nil {
		return err
	}
	if gone || !st.Map {
		return st.rename(files)
	}
	if err := st.underLock(files, info.ModTime); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(st.To))
}

// underLock renames while makemap's lock is held, for no longer than that takes.
func (st step) underLock(files FS, oldTime time.Time) error {
	old, err := files.Hold(st.To, mapWait)
	if err != nil {
		return err
	}
	defer old.Close()
	if err := files.Rename(st.From, st.To); err != nil {
		return err
	}
	later := oldTime.Add(time.Second)
	if now := time.Now(); now.After(later) {
		later = now
	}
	// Only its owner may: the session that has it open ends without us.
	if err := old.Touch(later); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func (st step) rename(files FS) error {
	if err := files.Rename(st.From, st.To); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(st.To))
}

// readJournal reads the journal. Every error but fs.ErrNotExist says that it is
// damaged, or of another program.
func readJournal(files FS, state string) (j journal, err error) {
	text, err := readState(files, filepath.Join(state, journalName))
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return j, err
	}
	if j.Version != 1 {
		return j, fmt.Errorf("it is of version %d", j.Version)
	}
	for _, st := range j.Steps {
		if st.From != beside(st.To) && st.From != bridge(st.To) {
			return j, fmt.Errorf("it would rename %q to %q", st.From, st.To)
		}
	}
	return j, nil
}

// finish does what is left of the renames of a run that was stopped. A file
// that is no longer what was staged stops nothing: the build that follows
// makes it anew.
func finish(files FS, state string, tell func(string)) error {
	j, err := readJournal(files, state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return dropJournal(files, state, err, tell)
	}
	for _, st := range j.Steps {
		if !st.stands(files) {
			continue
		}
		if err := st.do(files, 0); err != nil {
			return fmt.Errorf("finish what a run that was stopped had begun: %w", err)
		}
	}
	return errors.Join(nameGeneration(files, state, j.Generation, tell), removeJournal(files, state))
}

// stands reports whether a step can be done: it was not yet, and what it would
// rename is what was staged, and what it would replace a file.
func (st step) stands(files FS) bool {
	for _, path := range []string{st.From, st.To} {
		info, err := files.Stat(path)
		if err == nil && !info.Mode.IsRegular() {
			return false
		}
	}
	sum, err := digestOf(files, st.From)
	return err == nil && sum == st.Digest
}

// dropJournal removes a journal that is damaged. Without it what was staged is
// swept away, and the build that follows makes the rest of the set anew.
func dropJournal(files FS, state string, damage error, tell func(string)) error {
	path := filepath.Join(state, journalName)
	tell(fmt.Sprintf("%s is damaged (%v) and removed; what a run that was stopped had begun is made anew", path, damage))
	if info, err := files.Stat(path); err == nil && !info.Mode.IsRegular() {
		return makeRoom(files, path, tell)
	}
	return removeJournal(files, state)
}
