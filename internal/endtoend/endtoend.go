// Package endtoend proves a set of written files over SMTP: it starts the
// receiver on a free loopback port over the set, sends to every vector with a
// real client, and compares what arrived where, or which code came back, with
// what the inventory promises. Where the installed mail server is asked too, its
// answer is compared as well.
package endtoend

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/smtpd"
)

// A Trial is what is tried.
type Trial struct {
	Host     string // the server's own name
	Set      mta.Set
	Promised func(addr string) outcome.Outcome // of a folded address; called by many at once
	Fold     func(addr string) string
	Workers  int

	// Ends gives the recipients that a local name has by the server's own
	// aliases, which no inventory promises: root may be somebody else's.
	// May be nil.
	Ends func(name string) []string

	Program Program // the installed mail server; nil: it is not asked

	// Each is called with every result, in the order of the vectors.
	Each func(r *Result) error
}

// A Program is an installed mail server that is asked over the same files.
type Program interface {
	// Ask gives what the program does with each address.
	Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error)
	// Relays reports whether the program lets the client relay that asks. What a
	// stranger is told about other domains is not known then.
	Relays() bool
}

// A Result is one vector with what came of it.
type Result struct {
	promise.Vector
	Promised outcome.Outcome
	Got      outcome.Outcome
	Program  *outcome.Outcome // what the installed program does; nil: it was not asked

	Trace      []outcome.Step // of a failure
	Transcript []string       // of a failure: what was said over SMTP
}

// Passed reports whether the files, and the installed program if it was asked, gave
// the promised outcome.
func (r *Result) Passed() bool { return r.FilesKept() && r.ProgramKept() }

// FilesKept reports whether the written files keep the promise.
func (r *Result) FilesKept() bool { return r.kept(r.Got) }

// ProgramKept reports whether the installed program does what is promised, or was
// not asked.
func (r *Result) ProgramKept() bool { return r.Program == nil || r.kept(*r.Program) }

// kept reports whether an outcome keeps the promise. The promise is that of the
// folded address: a parameter of a row takes the capitals of the address along,
// which make no difference then.
func (r *Result) kept(got outcome.Outcome) bool {
	promised := r.Promised
	if mailaddr.Lower(r.Address) != r.Address {
		promised.Recipients, got.Recipients = lowered(promised.Recipients), lowered(got.Recipients)
	}
	return got.Keeps(promised)
}

// lowered gives recipients in lower case, sorted.
func lowered(recipients []string) []string {
	lower := make([]string, len(recipients))
	for i, recipient := range recipients {
		lower[i] = mailaddr.Lower(recipient)
	}
	slices.Sort(lower)
	return slices.Compact(lower)
}

// chunk is how many vectors are tried before their results are given on.
const chunk = 2000

// Run tries every vector once. The error is of the machine.
func (t *Trial) Run(ctx context.Context, vectors iter.Seq[promise.Vector]) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b := collector{Trial: t, arrived: map[string][]string{}, said: map[string][]string{}}
	server := smtpd.New(smtpd.Config{Host: t.Host, Router: answers{t.Set}, Store: &b, Transcript: b.transcript, MaxConns: t.Workers + 1})
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	for range t.Workers {
		c, err := dial(listener.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		b.clients = append(b.clients, c)
	}
	seen := map[string]bool{}
	results := make([]Result, 0, chunk)
	for v := range vectors {
		if seen[v.Address] {
			continue
		}
		seen[v.Address] = true
		if results = append(results, Result{Vector: v}); len(results) < chunk {
			continue
		}
		if err := b.try(ctx, results); err != nil {
			return err
		}
		results = results[:0]
	}
	return b.try(ctx, results)
}

// A collector is the receiver's store, and the clients that send to it.
type collector struct {
	*Trial
	clients []*client
	tried   int

	mu      sync.Mutex
	arrived map[string][]string // mailboxes, by sender
	said    map[string][]string // of the vector at hand, by client
}

// try tries vectors and gives their results on.
func (b *collector) try(ctx context.Context, results []Result) error {
	var wait sync.WaitGroup
	problems := make([]error, len(b.clients))
	for w, c := range b.clients {
		wait.Go(func() {
			for i := w; i < len(results) && ctx.Err() == nil && problems[w] == nil; i += len(b.clients) {
				problems[w] = b.one(c, b.tried+i+1, &results[i])
			}
		})
	}
	wait.Wait()
	if err := errors.Join(append(problems, ctx.Err())...); err != nil {
		return err
	}
	if b.Trial.Program != nil {
		if err := b.askProgram(ctx, results); err != nil {
			return err
		}
	}
	b.tried += len(results)
	for i := range results {
		if err := b.Each(&results[i]); err != nil {
			return err
		}
	}
	return nil
}

// one sends the message of a number to one recipient. Its sender is its own:
// by it its arrival is known.
func (b *collector) one(c *client, n int, r *Result) (err error) {
	r.Promised = b.throughAliases(b.Promised(b.Fold(r.Address)))
	b.forget(c.name)
	from := fmt.Sprintf("message-%d@client.invalid", n)
	if r.Got, err = c.send(from, r.Address); err != nil {
		return err
	}
	if r.Got.Taken {
		r.Got.Recipients = b.take(from)
	}
	if !r.FilesKept() {
		_, r.Trace = b.Set.Route(r.Address)
		r.Transcript = b.forget(c.name)
	}
	return nil
}

// throughAliases gives a promise in which each local name is replaced by the
// recipients that it has by the server's own aliases.
func (t *Trial) throughAliases(promised outcome.Outcome) outcome.Outcome {
	if t.Ends == nil || len(promised.Recipients) == 0 {
		return promised
	}
	var ends []string
	for _, recipient := range promised.Recipients {
		if strings.ContainsAny(recipient, "@/|") {
			ends = append(ends, recipient)
			continue
		}
		for _, end := range t.Ends(recipient) {
			ends = append(ends, mailaddr.FoldRecipient(end))
		}
	}
	slices.Sort(ends)
	promised.Recipients = slices.Compact(ends)
	return promised
}

func (b *collector) askProgram(ctx context.Context, results []Result) error {
	addresses := make([]string, len(results))
	for i := range results {
		addresses[i] = results[i].Address
	}
	outcomes, err := b.Trial.Program.Ask(ctx, addresses)
	if err != nil {
		return err
	}
	for i := range results {
		r := &results[i]
		if b.Trial.Program.Relays() && r.Promised.Keeps(promise.NotOurs) && outcomes[i].Taken {
			continue // its client may relay, and a stranger may not
		}
		if r.Program = &outcomes[i]; !r.Passed() && r.Trace == nil {
			_, r.Trace = b.Set.Route(r.Address)
		}
	}
	return nil
}

// Deliver keeps where a message arrived.
func (b *collector) Deliver(m smtpd.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, to := range m.Recipients {
		for _, box := range to.Mailboxes {
			b.arrived[m.From] = append(b.arrived[m.From], mailaddr.FoldRecipient(box))
		}
	}
	return nil
}

func (b *collector) take(from string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	boxes := b.arrived[from]
	delete(b.arrived, from)
	slices.Sort(boxes)
	return boxes
}

func (b *collector) transcript(client, line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said[client] = append(b.said[client], line)
}

// forget begins a new transcript and gives the old one.
func (b *collector) forget(client string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said[client]
	b.said[client] = nil
	return said
}

// answers answers the receiver from a set.
type answers struct{ set mta.Set }

func (a answers) Route(recipient string) smtpd.Answer {
	got, _ := a.set.Route(recipient)
	return AnswerOf(got)
}

// AnswerOf gives an outcome in the receiver's words. A row may answer with any
// code, and a code that is no refusal would leave the client waiting for a message
// that is not taken. Here it is a refusal.
func AnswerOf(got outcome.Outcome) smtpd.Answer {
	if !got.Taken && (got.Code < 400 || got.Code > 599) {
		got.Text = fmt.Sprintf("the row answers %03d %s %s, which is no refusal", got.Code, got.Status, got.Text)
		got.Code, got.Status = 554, "5.3.5"
	}
	return smtpd.Answer{Taken: got.Taken, Mailboxes: got.Recipients, Code: got.Code, Status: got.Status, Text: got.Text}
}
