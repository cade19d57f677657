package mta

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"virtmap/internal/outcome"
)

// Sending is implemented by a Set that also answers for mail that is sent. It is safe for
// concurrent use.
type Sending interface {
	// Authorises reports whether the set has a table of who may send. Without it, every
	// user may send from every address.
	Authorises() bool
	// Sends returns the outcome of MAIL FROM of a user who has logged in, and every key
	// that was tried. The outcome is Taken, without recipients, or has the reply. A server
	// that looks at the sender at RCPT gives its reply there.
	Sends(user, from string) (outcome.Outcome, []outcome.Step)
	// SendsAs returns the address that mail of the sendmail command of a user comes from,
	// and the key that was tried. ok is false if the set does not change it.
	SendsAs(user string) (addr string, steps []outcome.Step, ok bool)
}

// SendingRows is implemented by a Set whose rights can be compared with those of another.
type SendingRows interface {
	Sending
	// Rights returns who may send from which address, as the table has it, sorted by From
	// and User. From is a whole address, or @domain for the addresses that are not listed.
	Rights() ([]outcome.Login, error)
	// Signed returns the domains whose mail is signed, sorted.
	Signed() []string
}

// SortLogins sorts logins by address and user, the order of SendingRows.
func SortLogins(all []outcome.Login) {
	slices.SortFunc(all, func(a, b outcome.Login) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.User, b.User))
	})
}

// AskedSenders is implemented by an Asked that can be asked about senders.
type AskedSenders interface {
	// AskSenders returns the outcome of each login, as the program decides it at MAIL FROM
	// or at RCPT.
	AskSenders(ctx context.Context, logins []outcome.Login) ([]outcome.Outcome, error)
}
