package mxcheck

import (
	"context"
	"sync"
)

// shared works out each value once; whoever asks for one that is being worked
// out waits for it.
type shared[K comparable, V any] struct {
	mu    sync.Mutex
	cells map[K]*cell[V]
}

type cell[V any] struct {
	ready chan struct{}
	value V
	void  bool // its asker gave up
}

// get gives the value of a key; when ctx ends first, that of stopped. What was
// worked out for somebody whose ctx ended is worked out again for others.
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

// forget drops the values for which old holds, to work them out again.
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
