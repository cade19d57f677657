package follow

import (
	"slices"

	"virtmap/internal/diag"
)

// Checks are all checks of this package. They belong to the checks of every server that
// is compiled with it.
var Checks = []*diag.Check{CheckLoop, CheckDeadTarget, CheckDeadMember, CheckParams, CheckTooDeep, CheckWaits}

// The checks of targets.
var (
	CheckLoop = &diag.Check{ID: "VM030", Name: "loop", Severity: diag.Error,
		Rule: "An address leads to an end."}
	CheckDeadTarget = &diag.Check{ID: "VM031", Name: "dead-target", Severity: diag.Error,
		Rule: "A target at a domain of the inventory is an address that is taken there."}
	CheckDeadMember = &diag.Check{ID: "VM032", Name: "dead-member", Severity: diag.Error,
		Rule: "No recipient of a list is refused: the list would be accepted and bounce."}
	CheckParams = &diag.Check{ID: "VM033", Name: "unbound-parameter", Severity: diag.Error,
		Rule: "A target uses only the parameters that its key gives."}
	CheckTooDeep = &diag.Check{ID: "VM036", Name: "too-deep", Severity: diag.Error,
		Rule: "A chain of targets is not longer than the server follows."}
	CheckWaits = &diag.Check{ID: "VM043", Name: "waits-for-held", Severity: diag.Warning,
		Rule: "Mail that leads to a domain which is held back is deferred where its end depends on the address."}
)

// Waits returns those faults of a compilation that are about mail that waits for a
// domain that is held back.
func Waits(faults *diag.List) []diag.Fault {
	return slices.DeleteFunc(slices.Clone(faults.Faults()), func(f diag.Fault) bool { return f.Check != CheckWaits })
}
