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

// A Live is a set that follows its files. It opens the files again when one was
// replaced or changed. It looks at the files at most every quarter of a millisecond,
// but always if the last attempt failed.
type Live struct {
	open  func() (mta.Set, error)
	warn  func([]string)
	first []string // the files that were there when the set was opened first
	told  []string // the warnings of the set that was opened last

	mu      sync.RWMutex
	set     mta.Set // nil: the configuration could not be read
	failure error   // why the set cannot answer
	closed  bool

	looked atomic.Int64 // the last look at the files, in nanoseconds since epoch
}

// glance is the time between two looks at the files. Under load, looking at each of
// them takes as long as the lookup of an address.
const glance = 250 * time.Microsecond

// epoch is a time before every look.
var epoch = time.Now().Add(-time.Hour)

// OpenLive opens a set by a function, and calls the function again when files have
// changed. A file that was there at first must stay. When a map disappears, Route
// returns an error: the text of the map is not used instead, and the map does not count
// as empty. warn gets each warning once. It gets the warning again if a set was opened
// without it in between.
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

// Route returns the outcome of an address by the present files. The error says why they
// cannot be read.
func (l *Live) Route(addr string) (outcome.Outcome, error) {
	got, _, err := l.Trace(addr)
	return got, err
}

// Trace is Route, with every key that was tried.
func (l *Live) Trace(addr string) (outcome.Outcome, []outcome.Step, error) {
	l.mu.RLock()
	// After a failure every call looks at the files, because the next recipient may
	// come sooner than the next look.
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
		return outcome.Outcome{}, nil, l.failure
	}
	got, trace := l.set.Route(addr)
	return got, trace, nil
}

// Reply returns the reply of the present set for an outcome; empty: the set has no words of
// its own.
func (l *Live) Reply(addr string, o outcome.Outcome) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return mta.ReplyOf(l.set, addr, o)
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

// outdated reports whether the files must be opened again.
func (l *Live) outdated() bool {
	if l.closed {
		return false
	}
	return l.set == nil || slices.ContainsFunc(l.set.Seen(), func(s mta.Stamp) bool { return !s.Holds() })
}

// refresh opens the files again, unless another call has just done it.
func (l *Live) refresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.outdated() {
		return
	}
	if l.set != nil {
		_ = l.set.Close() // nothing was written
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

// tell passes on the warnings that the previous set did not have.
func (l *Live) tell() {
	fresh := missing(l.set.Warnings(), l.told)
	if l.told = l.set.Warnings(); len(fresh) > 0 {
		l.warn(fresh)
	}
}
