package webmail

import (
	"slices"
	"sync"
	"time"

	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// Limits of a dialogue.
const (
	maxDialogue = 64 << 10 // bytes of one session
	maxLine     = 1000     // bytes of one line
)

// A dialogue has the commands and replies of a session. It grows after a message of the
// session was kept.
type dialogue struct {
	mu    sync.Mutex
	lines []string
	bytes int
}

// add adds a line. Of a session that says too much, only the beginning is kept.
func (d *dialogue) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bytes > maxDialogue {
		return
	}
	if len(line) > maxLine {
		line = line[:maxLine] + " (cut)"
	}
	if d.bytes += len(line) + 16; d.bytes > maxDialogue {
		line = "(what follows was not kept)"
	}
	d.lines = append(d.lines, line)
}

func (d *dialogue) all() []string {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// Line notes a line of a session. It is for the Transcript of the receiver.
func (b *Box) Line(client, line string) {
	b.mu.Lock()
	d := b.sessions[client]
	if d == nil {
		d = &dialogue{}
		b.sessions[client] = d
	}
	b.mu.Unlock()
	d.add(line)
}

// Ended notes that a session has ended. Its lines stay with its messages.
func (b *Box) Ended(client string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, client)
}

// A refused is a recipient that was refused.
type refused struct {
	at                 time.Time
	client, helo, from string
	smtpd.Refusal
	steps   []outcome.Step
	problem string
}

func (b *Box) refusal(m smtpd.Message, r smtpd.Refusal) refused {
	steps, problem := b.steps(r.Address)
	return refused{time.Now(), m.Client, m.Helo, m.From, r, steps, problem}
}

// Refused notes a recipient that was refused.
func (b *Box) Refused(m smtpd.Message, r smtpd.Refusal) {
	one := b.refusal(m, r)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, one)
	if len(b.refused) > maxRefusals {
		b.refused = slices.Delete(b.refused, 0, len(b.refused)-maxRefusals)
	}
	b.counts.refused++
	b.change()
}

// refusals returns the refusals, the newest first.
func (b *Box) refusals() []refused {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.refused)
	slices.Reverse(all)
	return all
}
