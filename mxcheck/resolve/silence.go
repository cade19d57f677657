package resolve

import (
	"sync/atomic"
	"time"
)

// A silence is when nobody answers anything: then questions are given up at
// once, but for one a second that finds out whether it is over. Names that
// nobody answers for are no silence: it must be confirmed by a question for
// the root.
type silence struct {
	budget   time.Duration // what the tries of one question take
	patience time.Duration // how long servers that have answered may be silent

	heard     atomic.Int64 // UnixNano of the last packet from any server; 0: never
	since     atomic.Int64 // UnixNano of the first lost try after it; 0: there was none
	lost      atomic.Int64 // tries since then that nobody answered
	probed    atomic.Int64 // UnixNano of the last question that was let through
	probing   atomic.Bool  // it is being confirmed
	confirmed atomic.Bool
}

// enoughLost is how many tries must have gone unanswered for it to count.
const enoughLost = 16

func (s *silence) hear() {
	s.heard.Store(time.Now().UnixNano())
	if s.lost.Load() != 0 {
		s.lost.Store(0)
		s.since.Store(0)
	}
	if s.confirmed.Load() {
		s.confirmed.Store(false)
	}
}

func (s *silence) lose() {
	s.since.CompareAndSwap(0, time.Now().UnixNano())
	s.lost.Add(1)
}

// far reports whether others get their answers.
func (s *silence) far() bool { return s.heard.Load() != 0 && s.lost.Load() < enoughLost }

// looms reports whether it looks as if nobody answers anything.
func (s *silence) looms() bool {
	if s.lost.Load() < enoughLost || s.confirmed.Load() {
		return false
	}
	limit := s.budget
	if s.heard.Load() != 0 {
		limit = max(limit, s.patience)
	}
	since := s.since.Load()
	return since != 0 && time.Since(time.Unix(0, since)) >= limit
}

// confirm makes it a silence, unless somebody answered meanwhile.
func (s *silence) confirm() {
	if s.looms() {
		s.confirmed.Store(true)
	}
}

// lasts reports whether nobody answers anything.
func (s *silence) lasts() bool { return s.confirmed.Load() }

// probe lets one question a second through.
func (s *silence) probe() bool {
	now, last := time.Now(), s.probed.Load()
	return now.Sub(time.Unix(0, last)) > time.Second && s.probed.CompareAndSwap(last, now.UnixNano())
}
