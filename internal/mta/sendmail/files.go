// Package sendmail is the mail server sendmail: its files, how they are opened and
// asked, what its configuration must read of them, and what leaves with a domain.
//
// An inventory becomes
//
//	virtmap-aliases        aliases of several recipients, mailboxes, kept copies
//	virtmap-aliases.db     their map, in the form newaliases gives it
//	virtusertable          the rows as text
//	virtusertable.db       their map
//	virtmap-relay-domains  the backup domains that are served, when there are any
//	local-host-names       class w
//	virtmap.mc             the lines for sendmail.mc
//
// With map: cdb the maps end in .cdb; with map: text there are none.
//
// The files are put in place in this order: an alias before the row that names
// it, or its mail is refused; a text before its map, or the system's own make takes
// the map for outdated and rebuilds it; all tables before class w, because a name
// without rows is open to every local account; and virtmap.mc, which names them
// all, last, because a named alias file that is missing holds up all local mail.
//
// Rows, rulesets and texts themselves are in package virtuser. Package conf reads
// sendmail.cf and sendmail.mc, mcfile writes the lines for sendmail.mc, safefile
// judges owners and modes, and program asks the installed sendmail.
package sendmail

import (
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/virtuser"
)

// Files are the files of sendmail, in the order in which they are put in place.
var Files = []mta.File{
	{Name: mcfile.Aliases, Mode: 0o644, Rows: aliasRows, Row: aliasLine, Changed: "map", Union: true},
	{Name: mcfile.Virtusertable, Role: mta.Addresses, Mode: 0o644, Rows: virtuserRows, Row: virtuserLine, Changed: "map"},
	{Name: mcfile.RelayDomains, Role: mta.Relayed, Mode: 0o644, Lines: nameLines, Changed: "names", Effect: mta.Restart, Union: true, Emptied: true},
	{Name: mcfile.HostNames, Role: mta.Served, Mode: 0o644, Lines: nameLines, Changed: "names", Effect: mta.Restart},
	{Name: mcfile.Include, Mode: 0o644, Lines: mcLines, Changed: "mc", Effect: mta.Rebuild},
}

// virtuserRows reads a virtusertable as makemap would.
func virtuserRows(text []byte) mapfile.Rows {
	var faults diag.List
	return virtuser.Parse(source(text), &faults)
}

func virtuserLine(key, value string) string { return key + "\t" + value }

// aliasRows reads an alias file as newaliases would.
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

// mcLines are the lines of a text of m4 without our own header, which names the
// inventory.
func mcLines(text []byte) (lines []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "dnl Written by virtmap") {
			lines = append(lines, line)
		}
	}
	return lines
}

// nameLines are the names of local-host-names that sendmail could match.
func nameLines(text []byte) (names []string) {
	var faults diag.List
	for _, name := range hostnames.Parse(source(text), &faults) {
		names = append(names, name.Text)
	}
	return names
}

// source gives a text to a reader whose faults are not asked for.
func source(text []byte) *diag.Source {
	var sources diag.Sources
	src, err := sources.Add("", string(text))
	if err != nil {
		return &diag.Source{} // more than 4 GiB
	}
	return src
}
