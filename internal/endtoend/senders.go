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

	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// A SendersTrial has users log in at the receiver, and try to send from their own addresses
// and from those of others. The table of senders is that of a set.
type SendersTrial struct {
	Host     string // the server's own name
	Set      mta.Set
	Sending  mta.Sending // the Set
	Promised func(user, from string) bool
	Program  mta.AskedSenders // the installed mail server; nil: it is not asked
	Each     func(r *SenderResult) error
}

// A SenderResult is the result for one login and one address.
type SenderResult struct {
	outcome.Login
	Promised bool // the user may send from the address
	Got      outcome.Outcome
	Program  *outcome.Outcome // nil: the program was not asked

	mail  outcome.Outcome // of mail to the address
	Trace []outcome.Step  // for a failure
}

// Passed reports whether the files, and the installed program if it was asked, keep the
// promise.
func (r *SenderResult) Passed() bool { return r.FilesKept() && r.ProgramKept() }

// FilesKept reports whether the files keep the promise.
func (r *SenderResult) FilesKept() bool { return r.kept(r.Got) }

// ProgramKept reports whether the installed program keeps the promise. It is true if the
// program was not asked.
func (r *SenderResult) ProgramKept() bool { return r.Program == nil || r.kept(*r.Program) }

// kept reports whether an outcome keeps the promise. A server may also refuse a sender with
// the reply that mail to the address gets.
func (r *SenderResult) kept(got outcome.Outcome) bool {
	return got.Taken == r.Promised || r.Promised && !r.mail.Taken && got.Code == r.mail.Code && got.Status == r.mail.Status
}

// Run tries every login. An error is a fault of the machine, not of the set.
func (t *SendersTrial) Run(ctx context.Context, logins iter.Seq[outcome.Login]) (err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := smtpd.New(smtpd.Config{Host: t.Host, Router: answers{t.Set}, Senders: senderAnswers{t.Sending}, Store: &smtpd.Memory{}})
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	defer func() {
		stop()
		err = errors.Join(err, <-done)
	}()
	var results []SenderResult
	for l := range logins {
		if results = append(results, SenderResult{Login: l}); len(results) < chunk {
			continue
		}
		if err := t.try(ctx, listener.Addr().String(), results); err != nil {
			return err
		}
		results = results[:0]
	}
	return t.try(ctx, listener.Addr().String(), results)
}

// try tries logins and passes their results on.
func (t *SendersTrial) try(ctx context.Context, addr string, results []SenderResult) error {
	byUser := map[string][]*SenderResult{}
	var users []string
	for i := range results {
		r := &results[i]
		if byUser[r.User] == nil {
			users = append(users, r.User)
		}
		byUser[r.User] = append(byUser[r.User], r)
		r.Promised = t.Promised(r.User, r.From)
		r.mail, _ = t.Set.Route(r.From)
	}
	for _, user := range users {
		if err := errors.Join(t.session(addr, user, byUser[user]), ctx.Err()); err != nil {
			return err
		}
	}
	if t.Program != nil {
		if err := t.ask(ctx, results); err != nil {
			return err
		}
	}
	for i := range results {
		r := &results[i]
		if !r.Passed() {
			_, r.Trace = t.Sending.Sends(r.User, r.From)
		}
		if err := t.Each(r); err != nil {
			return err
		}
	}
	return nil
}

// ask asks the installed program about the same logins.
func (t *SendersTrial) ask(ctx context.Context, results []SenderResult) error {
	var logins []outcome.Login
	for i := range results {
		logins = append(logins, results[i].Login)
	}
	outcomes, err := t.Program.AskSenders(ctx, logins)
	if err != nil {
		return err
	}
	for i := range results {
		results[i].Program = &outcomes[i]
	}
	return nil
}

// session logs a user in, and names each sender.
func (t *SendersTrial) session(addr, user string, results []*SenderResult) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Auth(smtp.PlainAuth("", user, "any", "localhost")); err != nil {
		return fmt.Errorf("log in as %q: %w", user, err)
	}
	for _, r := range results {
		var refused *textproto.Error
		switch err := c.Mail(r.From); {
		case errors.As(err, &refused):
			r.Got = outcome.OfReply(refused.Code, refused.Msg)
		case err != nil:
			return err
		default:
			r.Got = outcome.Outcome{Taken: true, Code: 250}
		}
		if err := c.Reset(); err != nil {
			return err
		}
	}
	return nil
}

// A senderAnswers answers the receiver about senders.
type senderAnswers struct{ sending mta.Sending }

func (s senderAnswers) Sends(user, from string) smtpd.Answer {
	got, _ := s.sending.Sends(user, from)
	return AnswerOf(got, func(outcome.Outcome) string { return "" })
}

// Logins yields logins for an address: users who may send from it, and others who follow
// them in the order of all users. Of many users it yields a few.
func Logins(from string, may, all []string) iter.Seq[outcome.Login] {
	const most, others = 5, 2
	return func(yield func(outcome.Login) bool) {
		after := len(from) // another user for another address
		for i, user := range may {
			if i == most {
				break
			}
			if !yield(outcome.Login{User: user, From: from}) {
				return
			}
			at, _ := slices.BinarySearch(all, user)
			after = at + 1
		}
		for n, tried := 0, 0; n < others && tried < len(all); tried++ {
			user := all[(after+tried)%len(all)]
			if slices.Contains(may, user) {
				continue
			}
			n++
			if !yield(outcome.Login{User: user, From: from}) {
				return
			}
		}
	}
}
