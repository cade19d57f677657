// Package outcome says what becomes of mail for an address, in words that every
// mail server shares. What the inventory promises, what written files do and what
// an installed program answers are each an Outcome, so that any two can be
// compared.
package outcome

import (
	"slices"
	"strconv"
	"strings"
)

// An Outcome is what becomes of mail for an address. The zero Outcome is a
// refusal of which nothing is known.
type Outcome struct {
	Taken      bool     // the server accepts the address
	Recipients []string // of mail that is taken, sorted: account, account+detail, /mbox/file or address

	NotOurs bool   // refused because the server neither serves nor relays the domain
	Code    int    // SMTP reply code; of a taken address it may be zero
	Status  string // enhanced status
	Text    string // what the sender reads

	Open bool // only in a promise: the inventory does not decide what becomes of the mail
}

// Keeps reports whether an outcome is the promised one. A zero Code, Status or
// Text of a promise leaves it to the server; an open promise is kept by every
// outcome. NotOurs of a promise counts where the promise has no Code: a reply
// alone does not say why it refuses.
func (got Outcome) Keeps(promise Outcome) bool {
	switch {
	case promise.Open:
		return true
	case got.Taken != promise.Taken:
		return false
	case promise.Taken:
		return slices.Equal(got.Recipients, promise.Recipients)
	case promise.NotOurs && promise.Code == 0 && !got.NotOurs:
		return false
	}
	return (promise.Code == 0 || got.Code == promise.Code) &&
		(promise.Status == "" || got.Status == promise.Status) &&
		(promise.Text == "" || got.Text == promise.Text)
}

// OfReply gives the outcome of a reply to RCPT, such as 550 and "5.1.1
// <address>... User unknown". Where mail that is taken ends is not known then.
func OfReply(code int, text string) Outcome {
	got := Outcome{Taken: code == 250, Code: code, Text: text}
	if status, rest, ok := strings.Cut(text, " "); ok && strings.Count(status, ".") == 2 {
		got.Status, got.Text = status, rest
	}
	if _, rest, ok := strings.Cut(got.Text, "... "); ok {
		got.Text = rest
	}
	return got
}

// String gives the recipients, or the reply of a refusal.
func (got Outcome) String() string {
	if got.Taken {
		return strings.Join(got.Recipients, ", ")
	}
	return strings.TrimSpace(strconv.Itoa(got.Code) + " " + got.Status + " " + got.Text)
}

// A Step is one key that a server tried on the way of an address.
type Step struct {
	Table string // the table, or what else gave the answer
	Key   string
	Value string // of a hit
	Hit   bool
}
