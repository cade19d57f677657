package maincf

import "virtmap/internal/diag"

// EditChecks are all checks of Edit.
var EditChecks = []*diag.Check{checkBlock, checkOther, checkRelay, checkLine}

var (
	checkBlock = &diag.Check{ID: "VM140", Name: "maincf-block", Severity: diag.Error,
		Rule: "A main.cf has at most one block of virtmap's, and no line behind it goes on with its last value."}
	checkOther = &diag.Check{ID: "VM141", Name: "maincf-other-value", Severity: diag.Error,
		Rule: "A main.cf has no other value for a parameter that the inventory sets."}
	checkRelay = &diag.Check{ID: "VM142", Name: "maincf-open-relay", Severity: diag.Error,
		Rule: "A restriction such as reject_unauth_destination stands before permit, in smtpd_relay_restrictions or smtpd_recipient_restrictions."}
	checkLine = &diag.Check{ID: "VM143", Name: "maincf-line", Severity: diag.Error,
		Rule: "Each line of a main.cf is \"name = value\", and its references lead to an end."}
)
