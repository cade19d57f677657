// Package endtoend proves a set of written files over SMTP. It starts the receiver with
// the set on a free loopback port, and sends to every vector with a real client. It
// compares the recipients that got the message, or the reply, with the promise of the
// inventory. If the installed mail server is asked too, its answer is also compared.
package endtoend

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/internal/smtpd"
)

// A Trial compares a set with promises.
type Trial struct {
	Host     string // the server's own name
	Set      mta.Set
	Promised func(addr string) outcome.Outcome // the promise for a folded address; safe for concurrent use
	Fold     func(addr string) string
	Workers  int

	// Ends returns the recipients of a local name after the server's own aliases. No
	// inventory promises these: root may be an alias of another name. nil: names are
	// not replaced.
	Ends func(name string) []string

	Program Program // the installed mail server; nil: it is not asked

	// Each is called with every result, in the order of the vectors.
	Each func(r *Result) error
}

// A Program is an installed mail server that uses the same files.
type Program interface {
	// Ask returns the outcome of each address, as the program decides it.
	Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error)
	// Relays reports whether the program lets our client relay. The reply to a stranger
	// for another domain is then unknown.
	Relays() bool
}

// A Result is the result for one vector.
type Result struct {
	promise.Vector
	Promised outcome.Outcome
	Got      outcome.Outcome
	Program  *outcome.Outcome // the outcome in the installed program; nil: it was not asked

	Trace      []outcome.Step // for a failure
	Transcript []string       // for a failure: the SMTP dialogue
}

// Passed reports whether the files, and the installed program if it was asked, gave the
// promised outcome.
func (r *Result) Passed() bool { return r.FilesKept() && r.ProgramKept() }

// FilesKept reports whether the written files keep the promise.
func (r *Result) FilesKept() bool { return r.kept(r.Got) }

// ProgramKept reports whether the installed program keeps the promise. It is true if
// the program was not asked.
func (r *Result) ProgramKept() bool { return r.Program == nil || r.kept(*r.Program) }

// kept reports whether an outcome keeps the promise. The promise is about the folded
// address, but a parameter of a row keeps the capitals of the address. For an address
// with capitals, case therefore does not count.
func (r *Result) kept(got outcome.Outcome) bool {
	promised := r.Promised
	if mailaddr.Lower(r.Address) != r.Address {
		promised.Recipients, got.Recipients = lowered(promised.Recipients), lowered(got.Recipients)
	}
	return got.Keeps(promised)
}

// lowered returns recipients in lower case, sorted.
func lowered(recipients []string) []string {
	lower := make([]string, len(recipients))
	for i, recipient := range recipients {
		lower[i] = mailaddr.Lower(recipient)
	}
	slices.Sort(lower)
	return slices.Compact(lower)
}

// chunk is the number of vectors that are tried before their results are passed on.
const chunk = 2000

// Run tries every vector once. An error is a fault of the machine, not of the set.
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

// A collector is the store of the receiver, and has the clients that send to it.
type collector struct {
	*Trial
	clients []*client
	tried   int

	mu      sync.Mutex
	arrived map[string][]string // mailboxes, by sender
	said    map[string][]string // the dialogue of the current vector, by client
}

// try tries vectors and passes their results on.
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

// one sends message n to one recipient. Each message has its own sender, by which its
// arrival is recognized.
func (b *collector) one(c *client, n int, r *Result) (err error) {
	r.Promised = b.throughAliases(b.Promised(b.Fold(r.Address)))
	b.forget(c.name)
	from := fmt.Sprintf("message-%d@client.invalid", n)
	if r.Got, err = c.send(from, r.Address); err != nil {
		return err
	}
	if r.Got.Taken {
		r.Got.Recipients = b.take(from)
	} else {
		said, _ := b.Set.Route(r.Address)
		r.Got.NotOurs = said.NotOurs // a reply does not say so in words that all servers share
		if reply := mta.ReplyOf(b.Set, r.Address, said); reply != "" && sameReply(r.Got, reply) {
			r.Got = said // nor has every server the status in its own words
		}
	}
	if !r.FilesKept() {
		_, r.Trace = b.Set.Route(r.Address)
		r.Transcript = b.forget(c.name)
	}
	return nil
}

// sameReply reports whether an outcome is that of a reply such as "550 5.1.1 gone".
func sameReply(got outcome.Outcome, reply string) bool {
	code, text, _ := strings.Cut(reply, " ")
	of := outcome.OfReply(got.Code, text)
	return code == strconv.Itoa(got.Code) && got.Status == of.Status && got.Text == of.Text
}

// throughAliases returns a promise in which each local name is replaced by its
// recipients after the server's own aliases.
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
			continue // our client may relay, but a stranger may not
		}
		if r.Program = &outcomes[i]; !r.Passed() && r.Trace == nil {
			_, r.Trace = b.Set.Route(r.Address)
		}
	}
	return nil
}

// Deliver stores the mailboxes that a message arrived in.
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

// forget returns the transcript of a client, and begins a new one.
func (b *collector) forget(client string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.said[client]
	b.said[client] = nil
	return said
}

// An answers answers the receiver from a set.
type answers struct{ set mta.Set }

func (a answers) Route(recipient string) smtpd.Answer {
	got, _ := a.set.Route(recipient)
	return AnswerOf(got, func(o outcome.Outcome) string { return mta.ReplyOf(a.set, recipient, o) })
}

// AnswerOf returns an outcome as an answer of the receiver. A row may have any code.
// With a code that is not a refusal, the client would wait for a message that is not
// taken, so such a code becomes a refusal. reply returns the words of the server for an
// outcome; empty: the receiver chooses them.
func AnswerOf(got outcome.Outcome, reply func(outcome.Outcome) string) smtpd.Answer {
	if !got.Taken && (got.Code < 400 || got.Code > 599) {
		got.Text = fmt.Sprintf("the row answers %03d %s %s, which is no refusal", got.Code, got.Status, got.Text)
		got.Code, got.Status = 554, "5.3.5"
	}
	return smtpd.Answer{Taken: got.Taken, Mailboxes: got.Recipients, Code: got.Code, Status: got.Status, Text: got.Text, Reply: reply(got)}
}
