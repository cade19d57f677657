// Package postfix has the mail server Postfix: its files, how they are opened and asked,
// what its configuration must read, and which rows stay when a domain leaves.
//
// An inventory becomes these files, of which virtmap-virtual, virtmap-domains and
// virtmap.main.cf are always there, and the others if the inventory needs them:
//
//	virtmap-aliases        lists whose bounces go to an owner, and deferred addresses (aliases(5))
//	virtmap-mailboxes      mailboxes elsewhere, for virtual(8)
//	virtmap-uids           the user ID of the owner of each mailbox
//	virtmap-gids           the group ID of each mailbox
//	virtmap-transport      ends of refused mail that no client of SMTP brings (transport(5))
//	virtmap-access         refused addresses with their replies (access(5))
//	virtmap-access-detail  refused details, as regular expressions (regexp_table(5))
//	virtmap-detail         rules for details that no row can say
//	virtmap-virtual        the virtual addresses (virtual(5))
//	virtmap-relay          backup domains
//	virtmap-local          further names for mydestination
//	virtmap-domains        the virtual alias domains
//	virtmap-senders        who may send from an address, after a login
//	virtmap-sender-canonical  the senders of the sendmail command
//	virtmap-keytable, virtmap-signingtable  for opendkim, which signs
//	virtmap.main.cf        the lines for main.cf
//
// The tables have maps of the type host.map, except the two with regular expressions.
// With texthash there are no maps.
//
// The files are put in place in this order, for four reasons:
//
//   - What a row leads to comes before the row: aliases, mailboxes and transports.
//   - A refusal comes before the row of its address. Without the refusal, smtpd would
//     take the mail and bounce it.
//   - The lists of domains come after the rows. A domain without rows would refuse its mail.
//   - What is sent comes last. Answers to a sender find its address.
//
// # How an inventory becomes rows
//
// An account is written with the host's name, andrei@mx1.example.net: Postfix would
// complete a bare name with $myorigin, which may be another name. A refused address has
// a row in virtmap-access with the code, the status and the text of the inventory, and
// itself as the right side in virtmap-virtual, so that a catch-all does not take mail
// that the sendmail command brings. A deferred address leads to an alias for which
// virtmap-transport has retry: (wait.go), and a deferred key for several addresses to
// an address at refused.virtmap.invalid.
//
// Details are described in detail.go, refusals in refuse.go, senders in senders.go. Postfix does not convert
// domains between A-labels and U-labels, and rows are written for both.
package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/internal/mta/rowtext"
)

// Files are the files of Postfix, in the order in which they are put in place.
var Files = []mta.File{
	{Name: fileAliases, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileMailboxes, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileUIDs, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileGIDs, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileTransport, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileAccess, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Union: true, Emptied: true},
	{Name: fileAccessDetail, Mode: 0o644, Lines: ruleLines, Join: joinRules, Effect: mta.Restart, Union: true, Emptied: true},
	{Name: fileDetail, Mode: 0o644, Lines: ruleLines, Effect: mta.Restart, Emptied: true},
	{Name: fileVirtual, Role: mta.Addresses, Mode: 0o644, Rows: readRows, Row: rowtext.Line},
	{Name: fileRelay, Role: mta.Relayed, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Effect: mta.Restart, Union: true, Emptied: true},
	{Name: fileLocal, Role: mta.Served, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Effect: mta.Restart, Union: true, Emptied: true},
	{Name: fileDomains, Role: mta.Served, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Effect: mta.Restart},
	{Name: fileSenders, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Emptied: true},
	{Name: fileCanonical, Mode: 0o644, Rows: readRows, Row: rowtext.Line, Emptied: true},
	{Name: dkim.KeyTableName, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Signer, Emptied: true},
	{Name: dkim.SigningTableName, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Signer, Emptied: true},
	{Name: fileMain, Mode: 0o644, Lines: mainLines, Effect: mta.Rebuild},
}

// ruleLines returns the rules of a regexp table, each with the conditions around it.
func ruleLines(text []byte) (rules []string) {
	var conditions []string
	for _, line := range mainLines(text) {
		switch {
		case strings.HasPrefix(line, "if "):
			conditions = append(conditions, line)
		case line == "endif":
			conditions = conditions[:max(0, len(conditions)-1)]
		default:
			rules = append(rules, strings.Join(append(slices.Clone(conditions), line), " "))
		}
	}
	return rules
}

// joinRules returns the rules of two tables of refusals. An address that one of them
// refuses is refused.
func joinRules(next, old []byte) []byte { return slices.Concat(next, old) }
