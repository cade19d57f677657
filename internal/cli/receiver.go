package cli

import (
	"encoding/json"
	"fmt"
	"sync"

	"virtmap/internal/diag"
	"virtmap/internal/endtoend"
	"virtmap/internal/fileset"
	"virtmap/internal/outcome"
	"virtmap/internal/smtpd"
)

// A receiver is the Router and the Store of `receive`. It answers from the present
// files, prints an envelope for every message, and counts.
type receiver struct {
	live  *fileset.Live
	store smtpd.Store
	box   smtpd.Store // of --http; nil: there is none
	stdio Stdio
	stop  func()
	limit int // stop after this number of messages; 0: no limit

	mu                             sync.Mutex
	envelopes                      *json.Encoder
	messages, recipients, refusals int
	unreadable                     string // the last message about the files
	broken                         error  // the error of standard output
}

func newReception(live *fileset.Live, store smtpd.Store, stdio Stdio) *receiver {
	envelopes := json.NewEncoder(stdio.Out)
	envelopes.SetEscapeHTML(false)
	return &receiver{live: live, store: store, stdio: stdio, envelopes: envelopes}
}

func (r *receiver) say(text string) {
	fmt.Fprintf(r.stdio.Err, "virtmap: %s\n", diag.Printable(text))
}

// transcript prints a line of a session.
func (r *receiver) transcript(client, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.stdio.Err, "%s %s\n", client, diag.Printable(line))
}

// Route returns the answer for a recipient. It is 451 4.3.0 if the files cannot be
// read.
func (r *receiver) Route(recipient string) smtpd.Answer {
	got, err := r.live.Route(recipient)
	verdict := endtoend.AnswerOf(got, func(o outcome.Outcome) string { return r.live.Reply(recipient, o) })
	if err != nil {
		verdict = smtpd.Answer{Code: 451, Status: "4.3.0", Text: "map is missing or damaged"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.complain(err)
	if !verdict.Taken {
		r.refusals++
	}
	return verdict
}

// complain prints once why the files cannot be read.
func (r *receiver) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != r.unreadable {
		r.say(text)
	}
	r.unreadable = text
}

// An envelope is the JSON line of a message.
type envelope struct {
	Client     string              `json:"client"`
	Helo       string              `json:"helo"`
	TLS        bool                `json:"tls"`
	From       string              `json:"from"`
	UTF8       bool                `json:"smtputf8"`
	Recipients []envelopeRecipient `json:"recipients"`
	Size       int                 `json:"size"` // in bytes, with CRLF line ends
}

type envelopeRecipient struct {
	Address   string   `json:"address"`
	Mailboxes []string `json:"mailboxes"`
}

// Deliver stores a message and prints its envelope.
func (r *receiver) Deliver(m smtpd.Message) error {
	if err := r.store.Deliver(m); err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.say("a message is answered 451: " + err.Error())
		return err
	}
	if r.box != nil {
		_ = r.box.Deliver(m) // memory has always room
	}
	e := envelope{m.Client, m.Helo, m.TLS, m.From, m.UTF8, nil, len(m.Body)}
	for _, to := range m.Recipients {
		e.Recipients = append(e.Recipients, envelopeRecipient{to.Address, append([]string{}, to.Mailboxes...)})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.envelopes.Encode(e); err != nil && r.broken == nil {
		r.broken = err
		r.stop() // the reader of the envelopes has gone
	}
	r.messages++
	r.recipients += len(m.Recipients)
	if r.messages == r.limit {
		r.stop()
	}
	return nil
}

// summary returns the line that is printed after the last session.
func (r *receiver) summary() string {
	return fmt.Sprintf("received %s for %s; %s refused", diag.Count(r.messages, "message"), diag.Count(r.recipients, "recipient"), diag.Count(r.refusals, "recipient"))
}
