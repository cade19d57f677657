package fileset

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"virtmap/virtuser"
)

// A Live set is an Installed one that is opened anew when one of its files was
// replaced or changed, a quarter of a millisecond ago or earlier; at once while
// it cannot be asked.
type Live struct {
	open  func() (*Installed, error)
	warn  func([]string)
	first []string // the files that were there at first
	told  []string // the warnings of the set that was opened last

	mu      sync.RWMutex
	set     *Installed // nil: not even the configuration could be read
	failure error      // why it cannot be asked

	looked atomic.Int64 // when the files were looked at last, in nanoseconds
}

// glance is how long the files are not looked at again: under load a look at
// each of them costs as much as the address.
const glance = 250 * time.Microsecond

// epoch is a time before every glance.
var epoch = time.Now().Add(-time.Hour)

// OpenLive opens the files of a folder as Open does. What was there at first
// must be there later too: when a map disappears, Route fails, and its text is
// not read instead. warn is given each warning once, until the set is opened
// without it.
func OpenLive(dir, host string, account func(string) bool, warn func([]string)) (*Live, error) {
	l := &Live{warn: warn}
	l.open = func() (*Installed, error) { return Open(dir, host, account) }
	if l.set, l.failure = l.open(); l.failure != nil {
		return l, l.failure
	}
	l.tell()
	for _, s := range l.set.seen {
		if s.info != nil {
			l.first = append(l.first, s.path)
		}
	}
	return l, nil
}

// Route gives the outcome of an address by the files as they are now. The
// error says why they cannot be read.
func (l *Live) Route(addr string) (virtuser.Outcome, error) {
	l.mu.RLock()
	// While the set cannot be asked every call looks: the next recipient may
	// come sooner than a glance.
	if now := time.Since(epoch); l.failure != nil || now-time.Duration(l.looked.Load()) > glance {
		if l.outdated() {
			l.mu.RUnlock()
			l.refresh()
			l.mu.RLock()
		}
		l.looked.Store(int64(now))
	}
	defer l.mu.RUnlock()
	if l.failure != nil {
		return virtuser.Outcome{}, l.failure
	}
	return l.set.Router.Route(addr), nil
}

// Close closes the files.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	set := l.set
	l.failure, l.set = os.ErrClosed, &Installed{} // which is never outdated
	if set == nil {
		return nil
	}
	return set.Close()
}

// outdated reports whether the files must be opened anew.
func (l *Live) outdated() bool { return l.set == nil || l.set.outdated() }

// refresh opens the files anew, unless somebody else has just done it.
func (l *Live) refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.outdated() {
		return
	}
	if l.set != nil {
		_ = l.set.Close() // it was only read
	}
	l.set, l.failure = l.open()
	for _, path := range l.first {
		if _, err := os.Stat(path); err != nil && l.failure == nil {
			l.failure = fmt.Errorf("a file of the set is gone: %w", err)
		}
	}
	if l.failure == nil {
		l.tell()
	}
}

// tell passes the warnings on that the set opened before did not have.
func (l *Live) tell() {
	known := lineSet(l.told)
	l.told = l.set.Warnings
	if fresh := slices.DeleteFunc(slices.Clone(l.told), known); len(fresh) > 0 {
		l.warn(fresh)
	}
}

// A stamp tells one state of a file from another.
type stamp struct {
	path string
	info fs.FileInfo // nil: it is not there
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	return stamp{path, info}
}

func (s stamp) is(o stamp) bool {
	if s.info == nil || o.info == nil {
		return s.info == nil && o.info == nil
	}
	return os.SameFile(s.info, o.info) && s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime())
}

// watch remembers the state of a file that is about to be opened: what changes
// meanwhile is noticed later.
func (s *Installed) watch(path string) { s.seen = append(s.seen, stampOf(path)) }

// outdated reports whether a file is not what was opened any more.
func (s *Installed) outdated() bool {
	return slices.ContainsFunc(s.seen, func(old stamp) bool { return !old.is(stampOf(old.path)) })
}
