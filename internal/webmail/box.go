package webmail

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// Limits of a Box.
const (
	maxMessages = 500
	maxBytes    = 64 << 20 // of messages, with their envelopes
	maxRefusals = 1000
)

// A Box is a smtpd.Store that keeps the newest messages in memory: 500, and 64 MiB. The
// newest is kept whatever its size is. Box also keeps the newest 1000 refusals. It is safe
// for concurrent use.
type Box struct {
	trace func(address string) ([]outcome.Step, error)

	mu       sync.Mutex
	entries  []*entry // the oldest first
	bytes    int
	numbers  int // the number of the newest message
	counts   counts
	sessions map[string]*dialogue
	refused  []refused // the oldest first
	version  int       // counts the changes
	changed  chan struct{}
}

// counts are what happened since the start.
type counts struct{ accepted, acceptedBytes, refused, deleted, dropped int }

// An entry is a message with what is known about it. read, tags and tagged are guarded by
// the lock of the Box; the rest does not change.
type entry struct {
	ID      string
	number  int // grows with every message
	arrived time.Time
	smtpd.Message
	ends    []end
	refused []refused
	said    *dialogue
	cost    int

	once   sync.Once
	digest *digest

	read   bool
	tags   []string
	tagged bool // a person or a client has set the tags
}

// An end says where mail for a recipient ends, and by which keys.
type end struct {
	smtpd.Recipient
	steps   []outcome.Step
	problem string // why the keys are not known
}

// A view is an entry with its state at one time.
type view struct {
	*entry
	read bool
	tags []string
}

// NewBox makes a Box. trace returns every key that is tried for an address; a Box calls it
// when the message arrives, because the files may change later.
func NewBox(trace func(address string) ([]outcome.Step, error)) *Box {
	return &Box{trace: trace, sessions: map[string]*dialogue{}, changed: make(chan struct{})}
}

// Deliver keeps a message, and drops the oldest if there are too many.
func (b *Box) Deliver(m smtpd.Message) error {
	m.Body = slices.Clone(m.Body)
	e := &entry{ID: rand.Text()[:22], arrived: time.Now(), Message: m, cost: len(m.Body) + 1000}
	for _, to := range m.Recipients {
		steps, problem := b.steps(to.Address)
		e.ends = append(e.ends, end{to, steps, problem})
		e.cost += costOf(steps)
	}
	for _, no := range m.Refused {
		one := b.refusal(m, no)
		e.refused = append(e.refused, one)
		e.cost += costOf(one.steps)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.numbers++
	e.number, e.said = b.numbers, b.sessions[m.Client]
	b.entries = append(b.entries, e)
	b.bytes += e.cost
	b.counts.accepted++
	b.counts.acceptedBytes += len(m.Body)
	for len(b.entries) > maxMessages || b.bytes > maxBytes && len(b.entries) > 1 {
		b.bytes -= b.entries[0].cost
		b.entries[0] = nil
		b.entries = b.entries[1:]
		b.counts.dropped++
	}
	b.change()
	return nil
}

// steps returns the keys that are tried for an address.
func (b *Box) steps(address string) (steps []outcome.Step, problem string) {
	steps, err := b.trace(address)
	if err != nil {
		return nil, err.Error()
	}
	return steps, ""
}

// costOf estimates the bytes of memory that steps need.
func costOf(steps []outcome.Step) int {
	n := 200
	for _, s := range steps {
		n += 100 + len(s.Key) + len(s.Value)
	}
	return n
}

// change wakes everybody who waits.
func (b *Box) change() {
	b.version++
	close(b.changed)
	b.changed = make(chan struct{})
}

// all returns the messages, the newest first, and a channel that is closed at the next
// change.
func (b *Box) all() (views []view, version int, changed <-chan struct{}) {
	b.mu.Lock()
	for _, e := range slices.Backward(b.entries) {
		views = append(views, view{e, e.read, e.tags})
	}
	tagged := make([]bool, len(views))
	for i, v := range views {
		tagged[i] = v.tagged
	}
	version, changed = b.version, b.changed
	b.mu.Unlock()
	for i := range views {
		if !tagged[i] {
			views[i].tags = views[i].parsed().tags // parsing takes time, and needs no lock
		}
	}
	return views, version, changed
}

// update calls a function with every entry that is chosen, under the lock.
func (b *Box) update(chosen func(*entry) bool, do func(*entry)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if chosen(e) {
			do(e)
		}
	}
	b.change()
}

// remove deletes the entries that are chosen.
func (b *Box) remove(chosen func(*entry) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = slices.DeleteFunc(b.entries, func(e *entry) bool {
		if !chosen(e) {
			return false
		}
		b.bytes -= e.cost
		b.counts.deleted++
		return true
	})
	b.change()
}

// empty deletes all messages and refusals.
func (b *Box) empty() {
	b.remove(func(*entry) bool { return true })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = nil
}

// ofIDs returns a function that chooses the entries with these IDs.
func ofIDs(ids []string) func(*entry) bool {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return func(e *entry) bool { return set[e.ID] }
}

// ofViews returns a function that chooses the entries of these views.
func ofViews(views []view) func(*entry) bool {
	var ids []string
	for _, v := range views {
		ids = append(ids, v.ID)
	}
	return ofIDs(ids)
}
