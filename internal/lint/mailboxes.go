package lint

import (
	"path"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

var checkMailboxTwice = &diag.Check{ID: "VM098", Name: "mailbox-twice", Severity: diag.Warning,
	Rule: "Every user has a mailbox of its own."}

// mailboxesTwice reports users with the mailbox of another user, in any spelling of the
// path.
func (a *advisor) mailboxesTwice() {
	first := map[string]*inventory.User{}
	for i := range a.m.Users {
		u := &a.m.Users[i]
		if u.Mailbox.Text == "" {
			continue
		}
		file := path.Clean(u.Mailbox.Text)
		other, twice := first[file]
		if !twice {
			first[file] = u
			continue
		}
		a.faults.Add(checkMailboxTwice.At(u.Mailbox.Pos, len(u.Mailbox.Text), "user %s has the mailbox of user %s", u.Name.Text, other.Name.Text).
			Second(other.Mailbox.Pos, "the other user").
			WithHelp("give each user a file, or let the addresses of %s lead to %s", u.Name.Text, other.Name.Text))
	}
}
