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
}

// get gives the value of a key; when ctx ends first, that of stopped.
func (s *shared[K, V]) get(ctx context.Context, key K, work, stopped func() V) V {
	s.mu.Lock()
	c, known := s.cells[key]
	if !known {
		if s.cells == nil {
			s.cells = map[K]*cell[V]{}
		}
		c = &cell[V]{ready: make(chan struct{})}
		s.cells[key] = c
	}
	s.mu.Unlock()
	if !known {
		c.value = work()
		close(c.ready)
		return c.value
	}
	select {
	case <-c.ready:
		return c.value
	case <-ctx.Done():
		return stopped()
	}
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
