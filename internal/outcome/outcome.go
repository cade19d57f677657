// Package outcome has the type Outcome, which describes what becomes of mail for an
// address. It fits every mail server. The promise of an inventory, the effect of
// written files and the answer of an installed program are all Outcomes, so that any
// two of them can be compared:
//
//	promise := outcome.Outcome{Taken: true, Recipients: []string{"andrei"}}
//	if !got.Keeps(promise) {
//		fmt.Printf("promised is %s, but it is %s", promise, got)
//	}
package outcome

import (
	"slices"
	"strconv"
	"strings"
)

// An Outcome is what becomes of mail for an address. The zero Outcome is a refusal
// with an unknown reply.
type Outcome struct {
	Taken      bool     // the server accepts the address
	Recipients []string // if the address is accepted, sorted: account, account+detail, /mbox/file or address

	NotOurs bool   // refused because the server neither serves nor relays the domain
	Code    int    // SMTP reply code; it may be zero for an accepted address
	Status  string // enhanced status code of the reply
	Text    string // text of the reply

	Open    bool // only in a promise: the inventory does not decide what becomes of the mail
	AnyText bool // only in a promise: the text is the server's to choose, and Text is only shown
}

// Keeps reports whether an outcome is the promised one. When Code, Status or Text of
// the promise is zero, the server may choose it. Every outcome keeps an open promise.
// The same is true of the Text with AnyText. A promise with NotOurs is kept by an
// outcome with NotOurs, whatever its reply. It is also kept by the promised reply,
// because the reply of a program does not have the reason of a refusal.
func (got Outcome) Keeps(promise Outcome) bool {
	switch {
	case promise.Open:
		return true
	case got.Taken != promise.Taken:
		return false
	case promise.Taken:
		return slices.Equal(got.Recipients, promise.Recipients)
	case promise.NotOurs && got.NotOurs:
		return true
	case promise.NotOurs && promise.Code == 0:
		return false
	}
	return (promise.Code == 0 || got.Code == promise.Code) &&
		(promise.Status == "" || got.Status == promise.Status) &&
		(promise.AnyText || promise.Text == "" || got.Text == promise.Text)
}

// OfReply returns the outcome of a reply to RCPT, such as 550 and "5.1.1 <address>...
// User unknown", or "5.1.1 <address>: Recipient address rejected: User unknown". It has no
// recipients, because a reply has none.
func OfReply(code int, text string) Outcome {
	got := Outcome{Taken: code == 250, Code: code, Text: text}
	if status, rest, ok := strings.Cut(text, " "); ok && strings.Count(status, ".") == 2 {
		got.Status, got.Text = status, rest
	}
	got.Text = withoutAddress(got.Text)
	return got
}

// rejected are words that say no more than the code of a refusal.
const rejected = "Recipient address rejected: "

// withoutAddress returns a text without the address before it.
func withoutAddress(text string) string {
	dots, colon := strings.Index(text, "... "), strings.Index(text, ">: ")
	switch {
	case strings.HasPrefix(text, "<") && colon >= 0 && (dots < 0 || colon < dots):
		return strings.TrimPrefix(text[colon+len(">: "):], rejected)
	case dots >= 0:
		return text[dots+len("... "):]
	}
	return text
}

// String returns the recipients, or the reply of a refusal.
func (got Outcome) String() string {
	if got.Taken {
		return strings.Join(got.Recipients, ", ")
	}
	return strings.TrimSpace(strconv.Itoa(got.Code) + " " + got.Status + " " + got.Text)
}

// A Step is one key that a server tried on the way of an address.
type Step struct {
	Table string // the table, or another source of the answer
	Key   string
	Value string // the value, if the key was found
	Hit   bool
}
