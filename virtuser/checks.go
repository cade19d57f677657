package virtuser

import "virtmap/internal/diag"

// Checks are all checks of this package.
var Checks = []*diag.Check{
	checkOpenWays, checkLoop, checkDeadTarget, checkDeadMember, checkParams, checkTooLong, checkNeverMatches, checkTooDeep, checkTooMany, checkOwner, checkWaits,
	checkLine, checkRowTwice, checkRightSide,
}

var (
	checkOpenWays = &diag.Check{ID: "VM014", Name: "open-ways", Severity: diag.Note,
		Rule: "A rejecting catch-all closes the plain address only."}
	checkLoop = &diag.Check{ID: "VM030", Name: "loop", Severity: diag.Error,
		Rule: "An address leads to an end."}
	checkDeadTarget = &diag.Check{ID: "VM031", Name: "dead-target", Severity: diag.Error,
		Rule: "A target at a domain of the inventory is an address that is taken there."}
	checkDeadMember = &diag.Check{ID: "VM032", Name: "dead-member", Severity: diag.Error,
		Rule: "No recipient of a list is refused: the list would be accepted and bounce."}
	checkParams = &diag.Check{ID: "VM033", Name: "unbound-parameter", Severity: diag.Error,
		Rule: "A target uses only the parameters that its key gives."}
	checkTooLong = &diag.Check{ID: "VM034", Name: "row-too-long", Severity: diag.Error,
		Rule: "A key has at most 255 bytes and a row at most 1,022."}
	checkNeverMatches = &diag.Check{ID: "VM035", Name: "never-matches", Severity: diag.Error,
		Rule: "A domain is not one of the names that sendmail rewrites before it looks at the virtusertable."}
	checkTooDeep = &diag.Check{ID: "VM036", Name: "too-deep", Severity: diag.Error,
		Rule: "sendmail follows at most 10 aliases of aliases and about 15 look-ups of an address."}
	checkTooMany = &diag.Check{ID: "VM037", Name: "too-many-rows", Severity: diag.Error,
		Rule: "An inventory with its copies has at most 10,000,000 rows."}
	checkOwner = &diag.Check{ID: "VM038", Name: "owner-refused", Severity: diag.Error,
		Rule: "The address that a list's bounces go to is taken by the server's own name."}
	checkWaits = &diag.Check{ID: "VM043", Name: "waits-for-held", Severity: diag.Warning,
		Rule: "Mail that leads to a domain which is held back is deferred where its end depends on the address."}

	checkLine = &diag.Check{ID: "VM040", Name: "virtusertable-line", Severity: diag.Error,
		Rule: "A line of a virtusertable is a key, white space and a right side."}
	checkRowTwice = &diag.Check{ID: "VM041", Name: "virtusertable-duplicate", Severity: diag.Error,
		Rule: "A key stands in a virtusertable once."}
	checkRightSide = &diag.Check{ID: "VM042", Name: "virtusertable-right-side", Severity: diag.Error,
		Rule: "A right side is one recipient or a well-formed error: row."}
)
