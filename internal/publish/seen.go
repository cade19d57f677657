package publish

import (
	"fmt"
	"time"
)

// A seen is the state of a large file when it was in place, and what was in it. While
// the state is the same, the file is not read again. Every change of a file moves the
// time of its inode (ctime), which no program can set back.
type seen struct {
	State string `json:"state"` // inode, size, times, mode and owner
	Sum   string `json:"sum"`   // Output.Sum
}

// worthSeeing is the size from which a file is remembered: reading a smaller file costs
// nothing.
const worthSeeing = 1 << 20 // 1 MiB

// tick is how coarse the clock of a file system may be. A file that changed within one
// tick may change once more without another time.
const tick = 50 * time.Millisecond

// stateOf gives the state of a file; empty where the system has no time of inodes.
func stateOf(info Info) string {
	if info.Changed.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d %o %d %d", info.Inode, info.Size, info.ModTime.UnixNano(), info.Changed.UnixNano(), info.Mode, info.UID, info.GID)
}

// Untouched gives the function that reports whether a file is for certain as virtmap put
// it in place. It is known of large files alone.
func Untouched(files FS, state string) func(path string) bool {
	m, _, err := loadManifest(files, state)
	return func(path string) bool {
		was, ok := m.Seen[key(path)]
		if err != nil || !ok {
			return false
		}
		info, err := files.Stat(path)
		return err == nil && was.State == stateOf(info)
	}
}

// compareSeen compares an output with an installed file that is as it was when virtmap
// had put it in place, and does not read the file. It reports false where the file must
// be read: another state, or a file that is read for another reason.
func (p *publisher) compareSeen(out Output, info Info) bool {
	was, ok := p.manifest.Seen[key(out.Path)]
	if !ok || out.Sum == nil || was.State != stateOf(info) {
		return false
	}
	if out.Sum() == was.Sum {
		p.keepTime(out, info)
		return true
	}
	if out.Alike != nil || out.Bridge != nil {
		return false
	}
	p.add(staged{out: out, info: info, change: Change{Path: out.Path}})
	return true
}

// see remembers the state of the large files of the set, once it can change no more
// without another time.
func (p *publisher) see() {
	p.manifest.Seen = nil
	var newest time.Time
	for _, out := range p.Outputs {
		info, err := p.FS.Stat(out.Path)
		if err != nil || out.Sum == nil || out.Hold || info.Size < worthSeeing || stateOf(info) == "" {
			continue
		}
		if info.Changed.After(newest) {
			newest = info.Changed
		}
		if p.manifest.Seen == nil {
			p.manifest.Seen = map[string]seen{}
		}
		p.manifest.Seen[key(out.Path)] = seen{State: stateOf(info), Sum: out.Sum()}
	}
	if rest := tick - time.Since(newest); len(p.manifest.Seen) > 0 && rest > 0 {
		time.Sleep(rest)
		p.forgetChanged()
	}
}

// forgetChanged forgets the files that changed during the tick.
func (p *publisher) forgetChanged() {
	for _, out := range p.Outputs {
		was, ok := p.manifest.Seen[key(out.Path)]
		if info, err := p.FS.Stat(out.Path); ok && (err != nil || stateOf(info) != was.State) {
			delete(p.manifest.Seen, key(out.Path))
		}
	}
}
