// Package sendmail has the mail server sendmail: its files, the sets of files and their
// answers, what its configuration must read, and which rows stay when a domain leaves.
//
// An inventory becomes these files:
//
//	virtmap-aliases        aliases with several recipients, mailboxes, kept copies
//	virtmap-aliases.db     the map of virtmap-aliases, in the form of newaliases
//	virtusertable          the rows as text
//	virtusertable.db       the map of virtusertable
//	virtmap-relay-domains  the backup domains that are served, if there are any
//	local-host-names       class w
//	virtmap.mc             the lines for sendmail.mc
//
// and these if it asks for them:
//
//	virtmap-generics       the address of each user of the sendmail command, with its map
//	virtmap-senders        who may send from which address, with its map
//	virtmap-keytable       the keys with which opendkim signs
//	virtmap-signingtable   which key signs the mail of a domain
//	virtmap-submit.mc      the lines for submit.mc
//
// With map: cdb the maps end in .cdb. With map: text there are no maps.
//
// The files are put in place in this order, for four reasons:
//
//   - An alias comes before the rows that lead to it. Without the alias, sendmail would
//     refuse the mail.
//   - A text comes before its map. With a map older than its text, make in the folder of
//     the system would rebuild the map.
//   - All tables come before class w. A domain of class w without rows would take mail
//     for every local account.
//   - virtmap.mc is the last, because it names all other files. If an alias file that the
//     configuration names is missing, all local mail waits.
//
// Package virtuser has the rows, the rulesets and the texts. Package conf reads
// sendmail.cf and sendmail.mc, package mcfile writes the lines for sendmail.mc, package
// safefile checks owners and modes, and package program asks the installed sendmail.
// The files import*.go read a server of which package importer makes an inventory.
package sendmail

import (
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/dkim"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/virtuser"
)

// Files are the files of sendmail, in the order in which they are put in place.
var Files = []mta.File{
	{Name: mcfile.Aliases, Mode: 0o644, Rows: aliasRows, Row: aliasLine, Union: true},
	{Name: mcfile.Virtusertable, Role: mta.Addresses, Mode: 0o644, Rows: virtuserRows, Row: virtuserLine},
	{Name: mcfile.Generics, Mode: 0o644, MapMode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line, Emptied: true},
	{Name: mcfile.Senders, Mode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line, Emptied: true},
	{Name: mcfile.RelayDomains, Role: mta.Relayed, Mode: 0o644, Lines: nameLines, Effect: mta.Restart, Union: true, Emptied: true},
	{Name: mcfile.HostNames, Role: mta.Served, Mode: 0o644, Lines: nameLines, Effect: mta.Restart},
	{Name: dkim.KeyTableName, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Signer, Emptied: true},
	{Name: dkim.SigningTableName, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Signer, Emptied: true},
	{Name: mcfile.Submit, Mode: 0o644, Lines: mcLines, Emptied: true}, // what submit.cf lacks is a gap
	{Name: mcfile.Include, Mode: 0o644, Lines: mcLines, Effect: mta.Rebuild},
}

// virtuserRows returns the rows that makemap would read from a virtusertable.
func virtuserRows(text []byte) mapfile.Rows {
	var faults diag.List
	return virtuser.Parse(source(text), &faults)
}

func virtuserLine(key, value string) string { return key + "\t" + value }

// aliasRows returns the rows that newaliases would read from an alias file.
func aliasRows(text []byte) mapfile.Rows {
	at := mapfile.WithNUL("@") // newaliases writes this row into every map
	rows := mapfile.Pairs{{at, at}}
	for _, row := range virtuser.ParseAliases(text) {
		rows = append(rows, [2]string{mapfile.WithNUL(mailaddr.Lower(row[0])), mapfile.WithNUL(row[1])})
	}
	return rows
}

func aliasLine(key, value string) string {
	return mapfile.WithoutNUL(key) + ":\t" + mapfile.WithoutNUL(value)
}

// mcLines returns the lines of a text for m4, without virtmap's header, which names the
// inventory.
func mcLines(text []byte) (lines []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "dnl Written by virtmap") {
			lines = append(lines, line)
		}
	}
	return lines
}

// nameLines returns those names of local-host-names that sendmail could match.
func nameLines(text []byte) (names []string) {
	var faults diag.List
	for _, name := range hostnames.Parse(source(text), &faults) {
		names = append(names, name.Text)
	}
	return names
}

// source makes a Source of a text. Its faults are not used.
func source(text []byte) *diag.Source {
	var sources diag.Sources
	src, err := sources.Add("", string(text))
	if err != nil {
		return &diag.Source{} // more than 4 GiB
	}
	return src
}
