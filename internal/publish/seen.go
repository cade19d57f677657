package publish

import (
	"fmt"
	"time"
)

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

// compareSeen compares an output with an installed file without reading the file. It
// returns false if the file must be read: its state is another one, or the output has a
// further question about the content.
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

// see puts the state of the large files of the set into the manifest. It waits until a
// later change of such a file must change the time of the inode.
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

// forgetChanged removes the files that changed during the wait.
func (p *publisher) forgetChanged() {
	for _, out := range p.Outputs {
		was, ok := p.manifest.Seen[key(out.Path)]
		if info, err := p.FS.Stat(out.Path); ok && (err != nil || stateOf(info) != was.State) {
			delete(p.manifest.Seen, key(out.Path))
		}
	}
}
