// Package endtoend proves a set of written files over SMTP: it starts the
// receiver on a free loopback port over a Router that reads them, sends to
// every vector with a real client, and compares what arrived where, or which
// code came back, with what the inventory promises.
package endtoend

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/prove"
	"virtmap/internal/smtpd"
	"virtmap/virtuser"
)

// A Trial is what is tried.
type Trial struct {
	Router   *virtuser.Router
	Promised func(addr string) prove.Outcome // of a folded address
	Fold     func(addr string) string
	Workers  int
	Step     func() // called after every vector; nil: nobody counts
}

// A Result is one vector with what came of it.
type Result struct {
	prove.Vector
	Promised   prove.Outcome
	Got        prove.Outcome
	Trace      []virtuser.Step // of a failure
	Transcript []string        // of a failure: the SMTP session
}

// Passed reports whether the promise was kept.
func (r *Result) Passed() bool {
	p, g := r.Promised, r.Got
	if p.Code != g.Code {
		return false
	}
	if p.Taken() {
		return slices.Equal(p.Recipients, g.Recipients)
	}
	return p.Status == g.Status && (p.Text == "" || p.Text == g.Text)
}

// Run tries every vector once, in order of the results; the error is of the
// machine.
func (t *Trial) Run(ctx context.Context, vectors iter.Seq[prove.Vector]) ([]Result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	store := &arrivals{boxes: map[string][]string{}}
	server := smtpd.New(smtpd.Config{Host: t.Router.Host, Router: verdicts{t.Router}, Store: store})
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	results := distinct(vectors)
	err = t.work(ctx, listener.Addr().String(), store, results)
	stop()
	return results, errors.Join(err, <-done)
}

func distinct(vectors iter.Seq[prove.Vector]) []Result {
	var results []Result
	seen := map[string]bool{}
	for v := range vectors {
		if !seen[v.Address] {
			seen[v.Address] = true
			results = append(results, Result{Vector: v})
		}
	}
	return results
}

// work shares the results among clients.
func (t *Trial) work(ctx context.Context, addr string, store *arrivals, results []Result) error {
	var wait sync.WaitGroup
	var step sync.Mutex
	problems := make([]error, t.Workers)
	for w := range t.Workers {
		wait.Go(func() {
			c, err := dial(addr)
			if err != nil {
				problems[w] = err
				return
			}
			defer c.Close()
			for i := w; i < len(results) && ctx.Err() == nil; i += t.Workers {
				if problems[w] = t.try(c, i, store, &results[i]); problems[w] != nil {
					return
				}
				if t.Step != nil {
					step.Lock()
					t.Step()
					step.Unlock()
				}
			}
			problems[w] = c.Quit()
		})
	}
	wait.Wait()
	return errors.Join(append(problems, ctx.Err())...)
}

func dial(addr string) (*smtp.Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, c.Hello("client.invalid")
}

// try sends one message to one recipient.
func (t *Trial) try(c *smtp.Client, n int, store *arrivals, r *Result) error {
	from := fmt.Sprintf("message-%d@client.invalid", n)
	r.Promised = t.Promised(t.Fold(r.Address))
	if err := c.Mail(from); err != nil {
		return err
	}
	err := c.Rcpt(r.Address)
	var refused *textproto.Error
	switch {
	case errors.As(err, &refused):
		r.Got = refusalOf(refused)
		err = c.Reset()
	case err == nil:
		if err = send(c, r.Address); err == nil {
			r.Got = prove.Outcome{Code: 250, Recipients: store.take(from)}
		}
	}
	if err == nil && !r.Passed() {
		r.Trace = t.Router.Route(r.Address).Trace
		r.Transcript = transcript(from, r)
	}
	return err
}

func send(c *smtp.Client, to string) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "To: <%s>\r\nSubject: virtmap test\r\n\r\n.\r\n", to)
	return errors.Join(err, w.Close())
}

// refusalOf reads "5.1.1 <address>... text".
func refusalOf(e *textproto.Error) prove.Outcome {
	o := prove.Outcome{Code: e.Code, Text: e.Msg}
	if status, rest, ok := strings.Cut(e.Msg, " "); ok && strings.Count(status, ".") == 2 {
		o.Status, o.Text = status, rest
	}
	if _, rest, ok := strings.Cut(o.Text, "... "); ok {
		o.Text = rest
	}
	return o
}

// transcript is what was said about a recipient.
func transcript(from string, r *Result) []string {
	answer := strings.TrimSpace(fmt.Sprint(r.Got.Code, " ", r.Got.Status, " ", r.Got.Text))
	if r.Got.Taken() {
		answer = "250, and it arrived at " + strings.Join(r.Got.Recipients, ", ")
	}
	return []string{"C: MAIL FROM:<" + from + ">", "C: RCPT TO:<" + r.Address + ">", "S: " + answer}
}

// verdicts makes a Router of a virtuser.Router.
type verdicts struct{ router *virtuser.Router }

func (v verdicts) Route(recipient string) smtpd.Verdict {
	return VerdictOf(v.router.Route(recipient))
}

// VerdictOf gives an outcome in the receiver's words.
func VerdictOf(o virtuser.Outcome) smtpd.Verdict {
	return smtpd.Verdict{Taken: o.Taken(), Mailboxes: o.Recipients, Code: o.Code, Status: o.Status, Text: o.Text}
}

// arrivals is a Store that knows by sender where a message arrived.
type arrivals struct {
	mu    sync.Mutex
	boxes map[string][]string
}

func (a *arrivals) Deliver(m smtpd.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range m.Recipients {
		for _, box := range r.Mailboxes {
			a.boxes[m.From] = append(a.boxes[m.From], strings.ToLower(box))
		}
	}
	return nil
}

func (a *arrivals) take(from string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	boxes := a.boxes[from]
	delete(a.boxes, from)
	slices.Sort(boxes)
	return boxes
}
