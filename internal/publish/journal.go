package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// A journal is the list of the renames that put a set in place. It is written
// when all staged files are ready, and removed after the last rename.
type journal struct {
	Version    int    `json:"version"`
	Steps      []step `json:"steps"`
	Generation int    `json:"generation"` // the unfinished generation; it gets its number after the renames
}

// A step is one rename.
type step struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Digest string `json:"sha256"` // of the staged file
	Map    bool   `json:"map"`    // the file is a map, and programs may have the old map open
}

const journalName = "journal.json"

// journal returns the journal with the renames in the order of the outputs. An
// output that has a bridge is renamed twice: first its bridge, in this order, and
// then the new file, after the renames of all outputs.
func (p *publisher) journal() journal {
	j := journal{Version: 1, Generation: p.generation}
	var last []step
	for _, s := range p.pending {
		path := s.out.Path
		if abs, err := filepath.Abs(path); err == nil {
			path = abs // the next run may have another working directory
		}
		st := step{From: beside(path), To: path, Digest: s.sums[0], Map: s.out.Source != ""}
		if s.bridge != nil {
			last = append(last, st)
			st.From, st.Digest = bridge(path), s.sums[1]
		}
		j.Steps = append(j.Steps, st)
	}
	slices.Reverse(last) // a file leads to files before it, which keep what it needs
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

// mapWait is the longest time that a rename waits for makemap to release a map.
const mapWait = 10 * time.Second

// do does one rename and gives the renamed file the time of the rename. The next
// rename of a map reads this time to keep the gap. A check of class w reads this
// time to find out whether sendmail was restarted after the rename.
//
// A sendmail that has the old map open looks only at the time of the old inode, in
// whole seconds. When the time of the old inode has changed, sendmail opens the new
// map. For this reason, each rename of a map also changes the time of the old
// inode, and there is a gap between two renames of one map.
func (st step) do(files FS, gap time.Duration) error {
	info, err := files.Stat(st.To)
	gone := errors.Is(err, fs.ErrNotExist)
	if err != nil && !gone {
		return err
	}
	// No lock on the map is held during this sleep.
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

// underLock renames a map while it holds the lock that makemap uses, and then changes
// the time of the old inode. oldTime is the time that the old inode has before.
//
// To open a map, sendmail checks the name, opens and locks the file, opens the name
// again, and compares the two files. If the rename falls in between, this session of
// sendmail has no map: its mail waits in the queue. If the map is optional (hash -o), as
// on Fedora and FreeBSD, the mail is refused. A measurement with three clients that
// connect without a pause showed that the rename does this harm during 0.09 ms. Under a
// shared lock, with which other programs could open the map, it would do this harm
// during 0.8 ms. A file that is written in place would do none, but a stop of the
// machine would then leave half a file.
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

// finish does the remaining renames of a run that was stopped. It does not rename a
// staged file that has changed after the stop: the build that follows makes this file
// again.
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

// canBeDone reports whether a step remains and can be done: the staged file is there
// and unchanged, and the path To has a regular file or nothing.
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

// dropJournal removes a damaged journal. The staged files, which then have no journal,
// are removed later. The build that follows makes the rest of the set again.
func dropJournal(files FS, state string, damage error, tell func(string)) error {
	path := filepath.Join(state, journalName)
	tell(fmt.Sprintf("%s is damaged (%v) and removed; what a run that was stopped had begun is made anew", path, damage))
	if info, err := files.Stat(path); err == nil && !info.Mode.IsRegular() {
		return makeRoom(files, path, tell)
	}
	return removeJournal(files, state)
}
