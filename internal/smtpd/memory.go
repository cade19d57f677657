package smtpd

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Memory is a Store that keeps every message, for tests.
type Memory struct {
	mu       sync.Mutex
	messages []Message
	changed  chan struct{}
}

// Deliver keeps a message.
func (m *Memory) Deliver(msg Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg.Body = slices.Clone(msg.Body)
	m.messages = append(m.messages, msg)
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
	return nil
}

// Messages returns the messages that were delivered so far, in order.
func (m *Memory) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.messages)
}

// Wait waits until there are n messages.
func (m *Memory) Wait(ctx context.Context, n int) error {
	for {
		m.mu.Lock()
		have := len(m.messages)
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d messages have come: %w", have, n, ctx.Err())
		}
	}
}
