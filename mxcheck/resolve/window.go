package resolve

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Sizes of a window in questions. The first is what a resolver of a small
// machine takes without dropping; the least keeps a line going on which
// packets get lost for no fault of ours.
const (
	leastWindow = 16
	firstWindow = 64
	mostWindow  = 1024
)

// A window bounds how many questions are out to one server. It grows by one
// for every round of answers, doubles with every round until the first loss,
// and is halved by a loss, at most once a round.
type window struct {
	mu      sync.Mutex
	size    float64
	out     int
	waiting list.List // of chan struct{}: first tries
	again   list.List // the same: further tries
	slow    bool      // a loss was seen: no more doubling
	cut     time.Time // of the last halving
}

func (w *window) open() { w.size = firstWindow }

// enter waits for room, in turn; it reports false when ctx ends first. Who
// waits must not hold a place. First tries go before others: names that nobody
// answers for must not keep those from being asked that somebody does.
func (w *window) enter(ctx context.Context, first bool) bool {
	w.mu.Lock()
	if w.out < int(w.size) && w.queued() == 0 {
		w.out++
		w.mu.Unlock()
		return true
	}
	turn := make(chan struct{})
	queue := &w.waiting
	if !first {
		queue = &w.again
	}
	place := queue.PushBack(turn)
	w.mu.Unlock()
	select {
	case <-turn:
		return true
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-turn: // it was our turn at the same time: pass it on
		w.out--
		w.admit()
	default:
		queue.Remove(place)
	}
	return false
}

// A result is what became of a question that was out.
type result uint8

const (
	won    result = iota // it was answered
	lost                 // nobody answered in time
	unused               // the answer came from elsewhere, or nobody wants it any more
)

// leave makes room, and adapts the size.
func (w *window) leave(r result, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r == won && !w.slow:
		w.size = min(w.size+1, mostWindow)
	case r == won:
		w.size = min(w.size+1/w.size, mostWindow)
	case r == lost && sent.After(w.cut): // one that was sent before tells of the same loss
		w.size = max(w.size/2, leastWindow)
		w.slow, w.cut = true, time.Now()
	}
	w.out--
	w.admit()
}

func (w *window) queued() int { return w.waiting.Len() + w.again.Len() }

// admit lets in who waits, as far as there is room.
func (w *window) admit() {
	for w.out < int(w.size) && w.queued() > 0 {
		queue := &w.waiting
		if queue.Len() == 0 {
			queue = &w.again
		}
		turn := queue.Remove(queue.Front()).(chan struct{})
		w.out++
		close(turn)
	}
}
