package inventory

import "virtmap/internal/diag"

// Checks are all checks of this package.
var Checks = []*diag.Check{
	checkText, checkSyntax, checkUnsupported, checkShape, checkUnknownKey, checkDuplicate, checkMissing,
	CheckValue, checkDomain, CheckAddress, checkDangling, checkInclude, checkConflict,
	checkReserved, checkSameAs, checkHost, checkRefusal, checkTooLarge, checkDisabledTarget, checkTests, CheckSingleLabel,
}

var (
	checkText = &diag.Check{ID: "VM001", Name: "text", Severity: diag.Error,
		Rule: "An inventory is UTF-8 text with LF line ends and without control characters."}
	checkSyntax = &diag.Check{ID: "VM002", Name: "yaml-syntax", Severity: diag.Error,
		Rule: "An inventory is one YAML document."}
	checkUnsupported = &diag.Check{ID: "VM003", Name: "yaml-feature", Severity: diag.Error,
		Rule: "Tags, merge keys, complex keys and second documents are not used in an inventory."}
	checkShape = &diag.Check{ID: "VM004", Name: "shape", Severity: diag.Error,
		Rule: "A value is a text, a list or a mapping as its key asks for."}
	checkUnknownKey = &diag.Check{ID: "VM005", Name: "unknown-key", Severity: diag.Error,
		Rule: "Every key is known, but note and those that begin with x-."}
	checkDuplicate = &diag.Check{ID: "VM006", Name: "duplicate", Severity: diag.Error,
		Rule: "A name is given once, however it is spelled."}
	checkMissing = &diag.Check{ID: "VM007", Name: "missing", Severity: diag.Error,
		Rule: "What has no default must be given."}
	CheckValue = &diag.Check{ID: "VM008", Name: "value", Severity: diag.Error,
		Rule: "A value is one of those its key takes."}
	checkDomain = &diag.Check{ID: "VM009", Name: "domain-name", Severity: diag.Error,
		Rule: "A domain is made of letters, digits, hyphens and dots, or converts to that (UTS 46)."}
	CheckAddress = &diag.Check{ID: "VM010", Name: "address", Severity: diag.Error,
		Rule: "An address can reach the virtusertable as it is written."}
	checkDangling = &diag.Check{ID: "VM011", Name: "unknown-target", Severity: diag.Error,
		Rule: "A target is a declared user, a local alias, an address, or a list of these."}
	checkInclude = &diag.Check{ID: "VM012", Name: "include", Severity: diag.Error,
		Rule: "An include pattern matches files in the folder of the inventory, or in one of --include-from, and included files include none."}
	checkConflict = &diag.Check{ID: "VM013", Name: "conflict", Severity: diag.Error,
		Rule: "Keys that exclude each other are not given together."}
	// Package virtuser has the warning VM014.
	checkReserved = &diag.Check{ID: "VM015", Name: "reserved-word", Severity: diag.Error,
		Rule: "reject, defer, local, none, discard and not-ours are words of the inventory and no names."}
	checkSameAs = &diag.Check{ID: "VM016", Name: "same-as", Severity: diag.Error,
		Rule: "same_as names a served domain of the inventory, and no circle."}
	checkHost = &diag.Check{ID: "VM017", Name: "host-domain", Severity: diag.Error,
		Rule: "The server's own names keep a way for cron's and bounce mail."}
	checkRefusal = &diag.Check{ID: "VM018", Name: "refusal", Severity: diag.Error,
		Rule: "Code and status of a refusal agree, and its text is printable ASCII."}
	checkTooLarge = &diag.Check{ID: "VM019", Name: "too-large", Severity: diag.Error,
		Rule: "An inventory has at most 256 MiB, and its aliases stand for at most a million values."}
	checkDisabledTarget = &diag.Check{ID: "VM020", Name: "disabled-target", Severity: diag.Warning,
		Rule: "A target is not in a domain that is switched off here."}
	CheckSingleLabel = &diag.Check{ID: "VM024", Name: "single-label", Severity: diag.Warning,
		Rule: "A mail domain has a dot in it."}
	checkTests = &diag.Check{ID: "VM021", Name: "test-outcome", Severity: diag.Error,
		Rule: "A test expects a user, an address, a list, reject, defer or not-ours."}
)
