package mxcheck

import (
	"context"
	"sync"
)

// shared computes the value of each key once. A goroutine that needs a value
// which another goroutine computes waits for it.
type shared[K comparable, V any] struct {
	mu    sync.Mutex
	cells map[K]*cell[V]
}

type cell[V any] struct {
	ready chan struct{} // closed when the value is there
	value V
	void  bool // ctx ended before the value was complete
}

// get returns the value of a key, or the result of stopped when ctx ends before.
// A value whose own ctx ended during the work is void, and is computed again for
// the goroutines that wait.
func (s *shared[K, V]) get(ctx context.Context, key K, work, stopped func() V) V {
	for ctx.Err() == nil {
		c, mine := s.cell(key)
		if mine {
			c.value = work()
			if ctx.Err() != nil {
				s.mu.Lock()
				delete(s.cells, key)
				s.mu.Unlock()
				c.void = true
			}
			close(c.ready)
			return c.value
		}
		select {
		case <-c.ready:
			if !c.void {
				return c.value
			}
		case <-ctx.Done():
		}
	}
	return stopped()
}

// cell returns the cell of a key. mine is true when the caller must compute the
// value.
func (s *shared[K, V]) cell(key K) (c *cell[V], mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, known := s.cells[key]; known {
		return c, false
	}
	if s.cells == nil {
		s.cells = map[K]*cell[V]{}
	}
	c = &cell[V]{ready: make(chan struct{})}
	s.cells[key] = c
	return c, true
}

// forget drops the values for which old returns true. They are computed again.
func (s *shared[K, V]) forget(old func(V) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, c := range s.cells {
		select {
		case <-c.ready:
			if old(c.value) {
				delete(s.cells, key)
			}
		default:
		}
	}
}
