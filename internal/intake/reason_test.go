package intake

import (
	"testing"

	"virtmap/virtuser"
)

// TestAReplyWithoutStatus: sendmail gives some replies no enhanced status.
func TestAReplyWithoutStatus(t *testing.T) {
	d := Difference{Old: virtuser.Outcome{Code: 550}, New: virtuser.Outcome{Code: 550, Status: "5.1.1"}}
	if why := new(Inventory).reason(&d); why != "the status agrees with the reply code now" {
		t.Errorf("the reason is %q", why)
	}
}
