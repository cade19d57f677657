package importer

import (
	"testing"

	"virtmap/internal/outcome"
)

// TestAReplyWithoutStatus: some replies of sendmail have no enhanced status.
func TestAReplyWithoutStatus(t *testing.T) {
	d := Difference{Old: outcome.Outcome{Code: 550}, New: outcome.Outcome{Code: 550, Status: "5.1.1"}}
	if why := new(Inventory).reason(&d); why != "the status agrees with the reply code now" {
		t.Errorf("the reason is %q", why)
	}
}

// TestOtherRecipientsHaveNoReason: there is no reason for other recipients.
func TestOtherRecipientsHaveNoReason(t *testing.T) {
	old := outcome.Outcome{Taken: true, Recipients: []string{"andrei"}}
	next := outcome.Outcome{Taken: true, Recipients: []string{"bea"}}
	d := Difference{Address: "fake@a.example", Old: old, New: next}
	if why := new(Inventory).reason(&d); why != "" {
		t.Errorf("the reason is %q", why)
	}
}

// TestReasonsForRecipientsOfThisServer: a detail is no matter of letters, and mail that is
// taken and returned is not delivered.
func TestReasonsForRecipientsOfThisServer(t *testing.T) {
	to := func(all ...string) outcome.Outcome { return outcome.Outcome{Taken: true, Recipients: all} }
	for why, d := range map[string]Difference{
		"only the detail behind the + of a name on this server differs: it is passed on now":     {Old: to("root"), New: to("root+detail"), Harmless: true},
		"only the detail behind the + of a name on this server differs: it is not passed on now": {Old: to("root+detail"), New: to("root"), Harmless: true},
		"names on this server are written in lower case":                                         {Old: to("Root", "bea"), New: to("bea", "root"), Harmless: true},
		"the server of the inventory takes its mail and returns it to the sender: list the address, or give the name an alias": {
			Old: outcome.Outcome{Code: 550, Status: "5.1.1"}, New: to(),
		},
	} {
		d.Address = "fake@a.example"
		if got := new(Inventory).reason(&d); got != why {
			t.Errorf("%v -> %v: the reason is %q, want %q", d.Old, d.New, got, why)
		}
	}
}
