package servers_test

import (
	"slices"
	"testing"

	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

// TestUsersAtWhomMailEndsAreAccounts: every server misses the account of a user who gets
// mail, also beside a forward with keep_copy, and not that of a user whose forward takes all.
func TestUsersAtWhomMailEndsAreAccounts(t *testing.T) {
	const users = "{plain: , copied: {forward: a@far.example, keep_copy: true}, one: {forward: a@far.example}, several: {forward: [a@far.example, b@far.example]}}"
	for _, s := range servers.All {
		if s.AuditUsers == nil {
			continue
		}
		m, faults := inventory.Parse("mail.yaml", "version: 1\nhost: {name: mx1.example.net, server: "+s.Name+"}\nusers: "+users+
			"\ndomains: {a.example: {addresses: {all: [plain, copied, one, several]}}}\n")
		b := s.Compile(m, faults)
		if faults.Failed() {
			t.Fatalf("%s: %v", s.Name, faults.Faults())
		}
		complaints, err := s.AuditUsers(mta.Audited{Dir: t.TempDir(), Build: b, Account: func(name string) bool { return name == "postmaster" }})
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		var missed []string
		for _, c := range complaints {
			missed = append(missed, c.Text)
		}
		if want := []string{`user "copied" is no account of this machine`, `user "plain" is no account of this machine`}; !slices.Equal(missed, want) {
			t.Errorf("%s misses %q, not %q", s.Name, missed, want)
		}
	}
}
