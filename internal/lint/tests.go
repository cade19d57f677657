package lint

import (
	"virtmap/internal/diag"
	"virtmap/internal/promise"
	"virtmap/inventory"
)

var checkTest = &diag.Check{ID: "VM025", Name: "test-differs", Severity: diag.Error,
	Rule: "A test expects what the inventory promises for its address."}

// Tests compares the tests of an inventory with its promises. The inventory must have
// no other faults. A test that depends on the server's own accounts is skipped.
func Tests(m *inventory.Model, faults *diag.List) {
	withAll := promise.Promises{Model: m, Account: func(string) bool { return true }}
	withNone := promise.Promises{Model: m}
	for _, test := range m.Tests {
		outcome := withNone.Of(test.Address)
		if withNone.Meets(outcome, test.Want) || withAll.Meets(withAll.Of(test.Address), test.Want) {
			continue
		}
		faults.Add(checkTest.At(test.Pos, len(test.Address), "%s is promised another outcome: %s", test.Address, outcome.String()).
			WithHelp("mend the address, or the test"))
	}
}
