package resolve

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Sizes of a window in questions. A resolver on a small machine takes firstWindow
// questions without a loss. With leastWindow a line with losses of other causes is
// still useful.
const (
	leastWindow = 16
	firstWindow = 64
	mostWindow  = 1024
)

// A window limits the number of open questions to one server. A round is as many
// replies as the window is large. The window doubles with every round until the
// first loss, and after that grows by one with every round. A loss halves the
// window, at most once a round.
type window struct {
	mu      sync.Mutex
	size    float64
	out     int       // number of tries in the window
	waiting list.List // of chan struct{}: first tries that wait
	again   list.List // of chan struct{}: further tries that wait
	slow    bool      // there was a loss: the window no longer doubles
	cut     time.Time // when the window was halved last
}

func (w *window) open() { w.size = firstWindow }

// enter waits for a place in the window. It returns false when ctx ends before.
// First tries go before further tries, so that names without an answer do not
// delay the others. A caller that waits must not hold another place.
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
	case <-turn: // the place came when ctx ended: the next try gets it
		w.out--
		w.admit()
	default:
		queue.Remove(place)
	}
	return false
}

// A result is the end of a try in the window.
type result uint8

const (
	won    result = iota // there was a reply
	lost                 // there was no reply in time
	unused               // the reply is of no interest any more
)

// leave gives up a place and adapts the size of the window.
func (w *window) leave(r result, sent time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r == won && !w.slow:
		w.size = min(w.size+1, mostWindow)
	case r == won:
		w.size = min(w.size+1/w.size, mostWindow)
	case r == lost && sent.After(w.cut): // a try from before that belongs to the same loss
		w.size = max(w.size/2, leastWindow)
		w.slow, w.cut = true, time.Now()
	}
	w.out--
	w.admit()
}

func (w *window) queued() int { return w.waiting.Len() + w.again.Len() }

// admit gives free places to tries that wait.
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
