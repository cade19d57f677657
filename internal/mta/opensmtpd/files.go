// Package opensmtpd has the mail server OpenSMTPD: its files, how they are opened and
// asked, and what its configuration must read.
//
// An inventory becomes these files (table(5), smtpd.conf(5)):
//
//	senders             the addresses from which each user who logs in may send
//	mailboxes           users with a mailbox elsewhere: uid:gid:path
//	addresses           addresses without a detail
//	detail              user+detail
//	empty-detail        user+, with nothing behind the plus
//	local-listed        listed addresses of the domains in local-domains
//	local-detail        the same with a detail of their own, as regular expressions
//	local-empty-detail  the same with an empty detail
//	backups             backup domains, one a line
//	local-domains       domains whose other addresses are accounts of the server
//	domains             all other domains with rows
//	virtmap.conf        the tables, and the actions and match lines over them
//
// The tables are texts. smtpd reads a text when it starts, and again when it is told to
// by smtpctl update table, each table by itself. The files are in the order in which this
// is done: what a row leads to comes before the row, and a row before its domain.
//
// # How an inventory becomes rows
//
// OpenSMTPD looks user+x@d up as user+x@d, user@d and @d. The other keys of an inventory
// are not known to it, so the row of each user is worked out beforehand, once for an
// address without a detail and once for each kind of detail. virtmap.conf chooses the
// table by the address as it came. If no address of an inventory is decided by its
// detail, addresses alone is asked, and detail and empty-detail are empty.
//
// A right side has no parameters. It names final recipients, and never another address of
// the inventory: a person in two lists would get the mail twice. It is one of
//
//	andrei@accounts.virtmap.invalid, ann@far.example
//	error:550 5.1.1 User unknown
//
// An account of the server is an address at accounts.virtmap.invalid and not at the host's
// own name, because that name may get rows or lose them. A mailbox elsewhere is an address
// at mailbox.virtmap.invalid for a Maildir, and at mbox.virtmap.invalid for a file.
// Strangers may send to none of them.
//
// # Senders
//
// With submission: {authorise: yes}, senders has a row for each user (listen on … senders):
//
//	andrei	fake@a.example, @b.example
//
// user@d stands for every detail of it, user+x@d for itself, and @d for every address of a
// domain. A row has no exceptions, so that an inventory that needs one has a fault.
package opensmtpd

import (
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
)

// Names of files.
const (
	fileSenders     = "senders"
	fileMailboxes   = "mailboxes"
	fileAddresses   = "addresses"
	fileDetail      = "detail"
	fileEmpty       = "empty-detail"
	fileListed      = "local-listed"
	fileLocalDetail = "local-detail"
	fileLocalEmpty  = "local-empty-detail"
	fileBackups     = "backups"
	fileLocal       = "local-domains"
	fileDomains     = "domains"
	fileConf        = "virtmap.conf"
)

// Files are the files of OpenSMTPD, in the order in which they are put in place.
var Files = []mta.File{
	{Name: fileSenders, Mode: 0o644, Rows: parse, Row: rowtext.Line, Effect: mta.Restart, Emptied: true},
	{Name: fileMailboxes, Mode: 0o644, Rows: parse, Row: rowtext.Line, Effect: mta.Restart, Union: true},
	{Name: fileAddresses, Role: mta.Addresses, Mode: 0o644, Rows: parse, Row: rowtext.Line, Effect: mta.Restart, Union: true},
	{Name: fileDetail, Mode: 0o644, Rows: parse, Row: rowtext.Line, Effect: mta.Restart, Union: true},
	{Name: fileEmpty, Mode: 0o644, Rows: parse, Row: rowtext.Line, Effect: mta.Restart, Union: true},
	{Name: fileListed, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart, Union: true},
	{Name: fileLocalDetail, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart, Union: true},
	{Name: fileLocalEmpty, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart, Union: true},
	{Name: fileBackups, Role: mta.Relayed, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart, Union: true},
	{Name: fileLocal, Role: mta.Served, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart, Union: true},
	{Name: fileDomains, Role: mta.Served, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Restart},
	{Name: fileConf, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Rebuild},
}

// listMark is the first line of every list. Without it, smtpd takes a list without
// entries for a mapping, and refuses to start.
const listMark = "# @list\n"

// list returns the text of a list.
func list(head string, entries []string) []byte {
	return []byte(listMark + head + strings.Join(append(entries, ""), "\n"))
}
