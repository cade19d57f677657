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
