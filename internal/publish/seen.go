package publish

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"time"
)

// seenName is the name of the file with the states of large files in the state folder.
// The manifest does not have them: the same files have the same manifest everywhere.
const seenName = "seen.json"

// readSeen returns the states of large files, by name. A file that cannot be read counts
// as empty.
func readSeen(files FS, state string) (all map[string]seen) {
	text, err := readState(files, filepath.Join(state, seenName))
	if err != nil || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// A seen is the state of a large file in its place, and the sum of its content. As long
// as the file has this state, it is not read again. Each change of a file also changes
// the time of its inode (ctime), and no program can set this time back.
type seen struct {
	State string `json:"state"` // inode, size, times, mode and owner
	Sum   string `json:"sum"`   // Output.Sum
}

// worthSeeing is the least size of such a file. A smaller file is read quickly.
const worthSeeing = 1 << 20 // 1 MiB

// tick is the longest step of the clock of a file system. A file that changed less than
// one tick ago may change again and keep its time.
const tick = 50 * time.Millisecond

// stateOf returns the state of a file; empty if the system has no time of inodes.
func stateOf(info Info) string {
	if info.Changed.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d %o %d %d", info.Inode, info.Size, info.ModTime.UnixNano(), info.Changed.UnixNano(), info.Mode, info.UID, info.GID)
}

// Untouched returns a function that reports whether a file is certainly as virtmap put it
// in place. The function knows large files only.
func Untouched(files FS, state string) func(path string) bool {
	all := readSeen(files, state)
	return func(path string) bool {
		was, ok := all[key(path)]
		if !ok {
			return false
		}
		info, err := files.Stat(path)
		return err == nil && was.State == stateOf(info)
	}
}

// compareSeen compares an output with an installed file without reading the file. It
// returns false if the file must be read: its state is another one, or the output has a
// further question about the content.
func (p *publisher) compareSeen(out Output, info Info) bool {
	was, ok := p.seen[key(out.Path)]
	if !ok || out.Sum == nil || was.State != stateOf(info) {
		return false
	}
	if out.Sum() == was.Sum {
		p.now[key(out.Path)] = was
		p.keepTime(out, info)
		return true
	}
	if out.Alike != nil || out.Bridge != nil {
		return false
	}
	p.add(staged{out: out, info: info, change: Change{Path: out.Path}})
	return true
}

// kept notes a file that was compared and stays as it is. info is from before the file was
// read. A file that changed less than one tick before may change unseen, and is left out.
func (p *publisher) kept(out Output, info Info) {
	if out.Sum != nil && info.Size >= worthSeeing && stateOf(info) != "" && time.Since(info.Changed) > tick {
		p.now[key(out.Path)] = seen{State: stateOf(info), Sum: out.Sum()}
	}
}

// see records the state of the large files that were compared in this run, and that have
// the same state still. A file that this run wrote is recorded by the next.
func (p *publisher) see() error {
	for _, out := range p.Outputs {
		was, ok := p.now[key(out.Path)]
		if info, err := p.FS.Stat(out.Path); ok && (err != nil || stateOf(info) != was.State) {
			delete(p.now, key(out.Path))
		}
	}
	if maps.Equal(p.now, p.seen) {
		return nil
	}
	text, err := json.Marshal(p.now)
	if err != nil {
		return err
	}
	return p.writeState(filepath.Join(p.State, seenName), append(text, '\n'))
}
