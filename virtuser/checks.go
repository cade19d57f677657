package virtuser

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
)

// Checks are all checks of this package, with those of targets.
var Checks = slices.Concat(follow.Checks, []*diag.Check{
	checkOpenWays, checkTooLong, checkNeverMatches, checkTooMany, checkOwner, checkLine, checkRowTwice, checkRightSide,
})

var (
	checkOpenWays = &diag.Check{ID: "VM014", Name: "open-ways", Severity: diag.Note,
		Rule: "A rejecting catch-all closes the plain address only."}
	checkTooLong = &diag.Check{ID: "VM034", Name: "row-too-long", Severity: diag.Error,
		Rule: "A key has at most 255 bytes and a row at most 1,022."}
	checkNeverMatches = &diag.Check{ID: "VM035", Name: "never-matches", Severity: diag.Error,
		Rule: "A domain is not one of the names that sendmail rewrites before it looks at the virtusertable."}
	checkTooMany = &diag.Check{ID: "VM037", Name: "too-many-rows", Severity: diag.Error,
		Rule: "An inventory with its copies has at most 10,000,000 rows."}
	checkOwner = &diag.Check{ID: "VM038", Name: "owner-refused", Severity: diag.Error,
		Rule: "The address that a list's bounces go to is taken by the server's own name."}

	checkLine = &diag.Check{ID: "VM040", Name: "virtusertable-line", Severity: diag.Error,
		Rule: "A line of a virtusertable is a key, white space and a right side."}
	checkRowTwice = &diag.Check{ID: "VM041", Name: "virtusertable-duplicate", Severity: diag.Error,
		Rule: "A key stands in a virtusertable once."}
	checkRightSide = &diag.Check{ID: "VM042", Name: "virtusertable-right-side", Severity: diag.Error,
		Rule: "A right side is one recipient or a well-formed error: row."}
)
