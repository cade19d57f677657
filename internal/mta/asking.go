package mta

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// An Asking says about which files an installed program is asked.
type Asking struct {
	Build Build
	Set   Set // the files, opened as the Host describes them
	Host  Host

	// Dir is the folder of installed files; empty: the files of the Build are in Work.
	Dir string
	// Work is a new folder, for the files of the program too. The caller removes it.
	Work     string
	Accounts map[string]bool // of this machine
	Here     string          // the full name of this machine; empty: it is not known
	// Tell receives lines that a person should see.
	Tell func(line string)
}

// An Asked is an installed program that is ready to answer. It implements
// endtoend.Program.
type Asked interface {
	// Ask returns the outcome of each address, as the program decides it.
	Ask(ctx context.Context, addresses []string) ([]outcome.Outcome, error)
	// Relays reports whether the program lets our client relay. The reply to a stranger
	// for another domain is then unknown.
	Relays() bool
	// Set returns the set that the answers are compared with. It is the Set of the Asking,
	// or one that also has what the program reads of this machine, such as the server's own
	// aliases. Close closes the latter.
	Set() Set
	// Close ends the program.
	Close() error
}

// Names returns the accounts and aliases that a server has that answers for the inventory:
// the accounts of this machine, and the users and local aliases of the inventory.
func (a *Asking) Names() map[string]bool {
	m, names := a.Build.Inventory(), map[string]bool{}
	maps.Copy(names, a.Accounts)
	for i := range m.Users {
		names[m.Users[i].Name.Text] = true
	}
	for i := range m.LocalAliases {
		names[m.LocalAliases[i].Text] = true
	}
	return names
}

// PublicFolder makes a temporary folder that the users of a server may enter.
func PublicFolder(server string) (string, error) {
	folder, err := os.MkdirTemp("", "virtmap-"+server+"-")
	if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o755)
}

// FoldRecipients gives the recipients of outcomes the form of a promise: folded, sorted,
// and without an empty detail, which is no detail.
func FoldRecipients(all []outcome.Outcome) {
	for _, o := range all {
		for i, to := range o.Recipients {
			o.Recipients[i] = mailaddr.FoldRecipient(strings.TrimSuffix(to, "+"))
		}
		slices.Sort(o.Recipients)
	}
}

// Speaker is implemented by a Set whose server answers RCPT in words of its own. Without
// it, the receiver chooses the words.
type Speaker interface {
	// Reply returns the whole reply to RCPT for an outcome, such as "550 5.1.1
	// <a@d>: Recipient address rejected: Ann left".
	Reply(addr string, o outcome.Outcome) string
}

// ReplyOf returns the reply of a set for an outcome; empty: the set is no Speaker.
func ReplyOf(set Set, addr string, o outcome.Outcome) string {
	if s, ok := set.(Speaker); ok {
		return s.Reply(addr, o)
	}
	return ""
}

// An AskError says why an installed program cannot be asked.
type AskError struct {
	Kind AskKind
	Err  error
}

// An AskKind is the cause of an AskError.
type AskKind uint8

// Causes.
const (
	AskMachine AskKind = iota // the program is missing, or does not run
	AskRoot                   // only root can ask it
	AskMap                    // it cannot read maps of this type
)

func (e *AskError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *AskError) Unwrap() error { return e.Err }
