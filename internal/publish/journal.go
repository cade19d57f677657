package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// A journal is the list of the renames that put a set in place. It is written
// when all staged files are ready, and removed after the last rename.
type journal struct {
	Version    int    `json:"version"`
	Steps      []step `json:"steps"`
	Generation int    `json:"generation"` // the unfinished generation that gets its number after the renames
}

// A step is one rename.
type step struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Digest string `json:"sha256"`
	Map    bool   `json:"map"` // programs may have the old file open
}

const journalName = "journal.json"

// journal lists the renames in the order of the outputs. Where a map has a
// bridge, the bridge is renamed in this order, and the map itself at the end.
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

// write writes the journal to the state folder.
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

// mapWait is how long a rename waits until makemap releases a map.
const mapWait = 10 * time.Second

// do does one rename. The renamed file gets the time of the rename: of a map,
// the next rename uses the time to keep the gap; of the names of class w, a
// check uses the time to find out whether sendmail was restarted later.
//
// A sendmail that has the old map open looks only at the time of the old inode,
// in whole seconds. It opens the new map when that time has changed. So do
// changes the time, and keeps a gap between two renames of one map.
func (st step) do(files FS, gap time.Duration) error {
	info, err := files.Stat(st.To)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return err
	}
	// No lock of the map is held during this sleep.
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

// underLock renames a file while it holds the lock that makemap uses, and then
// changes the time of the old inode, which was oldTime.
//
// When sendmail opens a map, it checks the name, opens and locks the file, opens the
// name again and compares. After a rename in between, this session has no map: its mail
// waits in the queue. With an optional map (hash -o), as on Fedora and FreeBSD, the mail
// is refused. This was measured with three clients that connect without a pause. It can
// happen in 0.09 ms around each rename. Under a shared lock, with which others could open
// the map, it would be 0.8 ms. It never happens when the file is written in place, but a
// stop of the machine would leave half a file then.
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
	// Only the owner and root may change the time. Without the change, a
	// sendmail process that has the old map open uses it until the process ends.
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

// readJournal reads the journal. Without a journal the error is fs.ErrNotExist.
// Any other error means that the journal is damaged, or of another program.
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

// finish does the remaining renames of a run that was stopped. It leaves out a
// staged file that has changed since; the build that follows makes it anew.
func finish(files FS, state string, tell func(string)) error {
	j, err := readJournal(files, state)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return dropJournal(files, state, err, tell)
	}
	for _, st := range j.Steps {
		if !st.canBeDone(files) {
			continue
		}
		if err := st.do(files, 0); err != nil {
			return fmt.Errorf("finish what a run that was stopped had begun: %w", err)
		}
	}
	return errors.Join(nameGeneration(files, state, j.Generation, tell), removeJournal(files, state))
}

// canBeDone reports whether a step was not done yet and can be done: the staged
// file is there unchanged, and a file or nothing is in the place it goes to.
func (st step) canBeDone(files FS) bool {
	for _, path := range []string{st.From, st.To} {
		info, err := files.Stat(path)
		if err == nil && !info.Mode.IsRegular() {
			return false
		}
	}
	sum, err := digestOf(files, st.From)
	return err == nil && sum == st.Digest
}

// dropJournal removes a damaged journal. Staged files without a journal are
// removed later, and the build that follows makes the rest of the set anew.
func dropJournal(files FS, state string, damage error, tell func(string)) error {
	path := filepath.Join(state, journalName)
	tell(fmt.Sprintf("%s is damaged (%v) and removed; what a run that was stopped had begun is made anew", path, damage))
	if info, err := files.Stat(path); err == nil && !info.Mode.IsRegular() {
		return makeRoom(files, path, tell)
	}
	return removeJournal(files, state)
}
