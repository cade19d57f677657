package postfix

import (
	_ "embed"

	"virtmap/internal/diag"
)

// catalogue explains the checks of this server.
//
//go:embed catalogue.txt
var catalogue string

// checks are the checks of Compile and Check.
var checks = []*diag.Check{checkReplyLong, checkManyRecipients, checkLocalPart, checkPath, checkUID, checkTooManyRows, checkLocalhost, checkKeyLong, checkReturned, checkSendsAsChain}

var (
	checkReplyLong = &diag.Check{ID: "VM100", Name: "reply-too-long", Severity: diag.Error,
		Rule: "A reply has at most 512 bytes with the words that Postfix puts before its text."}
	checkManyRecipients = &diag.Check{ID: "VM101", Name: "too-many-recipients", Severity: diag.Error,
		Rule: "Postfix makes at most 1,000 recipients of one address."}
	checkLocalPart = &diag.Check{ID: "VM102", Name: "quoted-key", Severity: diag.Error,
		Rule: "A local part needs no quotes and does not begin with a plus or a hyphen: Postfix would look it up in another form, or refuse it."}
	checkPath = &diag.Check{ID: "VM103", Name: "main-cf-path", Severity: diag.Error,
		Rule: "A path has only characters that main.cf and the tables take literally."}
	checkUID = &diag.Check{ID: "VM104", Name: "mailbox-uid", Severity: diag.Error,
		Rule: "A user with a mailbox has a uid, with which Postfix writes the mailbox."}
	checkTooManyRows = &diag.Check{ID: "VM105", Name: "too-many-rows-postfix", Severity: diag.Error,
		Rule: "An inventory with its copies has at most 10,000,000 rows."}
	checkLocalhost = &diag.Check{ID: "VM106", Name: "localhost-is-apart", Severity: diag.Note,
		Rule: "Mail to a name at localhost goes to the account, and not to the row of the host's own name."}
	checkKeyLong = &diag.Check{ID: "VM107", Name: "key-too-long", Severity: diag.Error,
		Rule: "A key of a hash map has at most 255 bytes."}
	checkReturned = &diag.Check{ID: "VM108", Name: "taken-and-returned", Severity: diag.Warning,
		Rule: "A target with %1, %2 or %3 leads to addresses that are taken: Postfix takes mail for all of them, and returns the rest."}
	checkSendsAsChain = &diag.Check{ID: "VM109", Name: "sends-as-chain", Severity: diag.Error,
		Rule: "sends_as is not the account of another user who sends as something else: Postfix would go on from it."}
)
