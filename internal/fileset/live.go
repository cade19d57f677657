package fileset

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// A Live set is opened anew when one of its files was replaced or changed, a
// quarter of a millisecond ago or earlier; at once while it cannot be asked.
type Live struct {
	open  func() (mta.Set, error)
	warn  func([]string)
	first []string // the files that were there at first
	told  []string // the warnings of the set that was opened last

	mu      sync.RWMutex
	set     mta.Set // nil: not even the configuration could be read
	failure error   // why the set cannot be asked
	closed  bool

	looked atomic.Int64 // when the files were looked at last, in nanoseconds
}

// glance is how long the files are not looked at again: under load a look at
// each of them costs as much as the address.
const glance = 250 * time.Microsecond

// epoch is a time before every glance.
var epoch = time.Now().Add(-time.Hour)

// OpenLive opens a set by a function, which is called again when the files
// changed. What was there at first must be there later too: when a map
// disappears, Route fails; the text of the map is not used instead, and the map
// does not count as empty. warn is given each warning once, until the set is
// opened without it.
func OpenLive(open func() (mta.Set, error), warn func([]string)) (*Live, error) {
	l := &Live{open: open, warn: warn}
	if l.set, l.failure = l.open(); l.failure != nil {
		return l, l.failure
	}
	l.tell()
	for _, s := range l.set.Seen() {
		if s.Found() {
			l.first = append(l.first, s.Path)
		}
	}
	return l, nil
}

// Route gives the outcome of an address by the files as they are now. The
// error says why they cannot be read.
func (l *Live) Route(addr string) (outcome.Outcome, error) {
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
		return outcome.Outcome{}, l.failure
	}
	got, _ := l.set.Route(addr)
	return got, nil
}

// Close closes the files.
func (l *Live) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failure, l.closed = os.ErrClosed, true
	if l.set == nil {
		return nil
	}
	return l.set.Close()
}

// outdated reports whether the files must be opened anew.
func (l *Live) outdated() bool {
	if l.closed {
		return false
	}
	return l.set == nil || slices.ContainsFunc(l.set.Seen(), func(s mta.Stamp) bool { return !s.Holds() })
}

// refresh opens the files anew, unless another call has just done it.
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

// tell passes on the warnings that the set opened before did not have.
func (l *Live) tell() {
	fresh := missing(l.set.Warnings(), l.told)
	if l.told = l.set.Warnings(); len(fresh) > 0 {
		l.warn(fresh)
	}
}
