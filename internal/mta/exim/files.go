// Package exim has the mail server Exim 4: its files, how they are opened and asked, and
// what its configuration must read.
//
// An inventory becomes these files:
//
//	mailboxes      users with a mailbox elsewhere
//	addresses      the rows of the virtual addresses
//	relay-domains  backup domains, one a line
//	transports     how mail gets into the mailboxes
//	routers-last   account+detail is the account
//	routers        what becomes of an address, by its row
//	acl            what is refused at RCPT
//	senders        who may send from which address
//	domains        the domains with rows, with the name that their rows have
//	main           the macros, and the lists of domains
//
// The tables mailboxes, addresses, senders and domains have maps of the type host.map; Exim reads
// a hash map as dbmnz, and a text as lsearch. The files in Exim's own syntax are fixed
// texts, except main, which a change of the inventory seldom changes.
//
// Exim opens its tables at every connection, so that a change of a table counts at once,
// also of a list of domains. The files are put in place in this order: what a row leads
// to comes before the row, a row before its domain, and main is the last, because it
// names the other files. While they are swapped, addresses still has the rows of the
// domains that have no new ones: a domain that leaves, or becomes a backup domain, keeps
// its rows until domains is in place. An address without any row of its domain is deferred,
// because a catch-all has a row too; so is mail for a domain that leaves, for a connection that opened
// domains before it was replaced, and addresses after that.
//
// # How an inventory becomes rows
//
// The keys are those of the inventory, in the same order of look-ups: user+x@d, user++@d,
// user+*@d, user@d, ++@d, +*@d, @d. A value is one of these (snippets/routers):
//
//	fail: 550 5.1.1 User unknown            the reply of a refusal, or defer: with one
//	local                                   the server's own accounts and aliases decide
//	on: ${r_user}@b.example                 an address of this server, looked up again
//	<info@a.example> andrei@mx1.example.net, ann@far.example
//	                                        recipients, and the sender of the copies
//
// Exim expands a value: ${r_user}, ${r_detail} and ${r_plus} are %1, %2 and %3, quoted by
// quote_local_part. Other dollar signs, backslashes and braces have a backslash before
// them. A mailbox is an address at mailbox.virtmap.invalid. If the host's own name has
// rows, an account is an address at accounts.virtmap.invalid, which has none. Strangers
// may send to neither.
//
// # Senders
//
// With submission: {authorise: yes}, acl looks senders up, for users who have logged in
// (snippets/acl-senders). The first key decides: user+x@d, user@d, @d. A value has users:
//
//	info@a.example	andrei : bea
//	old@a.example	<;
//
// acl is in place before senders: without the table, mail of these users is deferred.
package exim

import (
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
)

// Names of files.
const (
	fileMailboxes   = "mailboxes"
	fileAddresses   = "addresses"
	fileRelay       = "relay-domains"
	fileTransports  = "transports"
	fileRoutersLast = "routers-last"
	fileRouters     = "routers"
	fileACL         = "acl"
	fileSenders     = "senders"
	fileDomains     = "domains"
	fileMain        = "main"
)

// Files are the files of Exim, in the order in which they are put in place.
var Files = []mta.File{
	{Name: fileMailboxes, Mode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line, Union: true},
	{Name: fileAddresses, Role: mta.Addresses, Mode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line, Union: true},
	{Name: fileRelay, Role: mta.Relayed, Mode: 0o644, Lines: rowtext.PlainLines, Union: true},
	{Name: fileTransports, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Rebuild},
	{Name: fileRoutersLast, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Rebuild},
	{Name: fileRouters, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Rebuild},
	{Name: fileACL, Mode: 0o644, Lines: rowtext.PlainLines},
	{Name: fileSenders, Mode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line, Emptied: true},
	{Name: fileDomains, Role: mta.Served, Mode: 0o644, Rows: rowtext.Parse, Row: rowtext.Line},
	{Name: fileMain, Mode: 0o644, Lines: rowtext.PlainLines, Effect: mta.Rebuild},
}

// table is what Exim calls a table of a type of map.
type table struct{ lookup, suffix string }

// tables are the tables by type of map.
var tables = map[string]table{"cdb": {"cdb", ".cdb"}, "hash": {"dbmnz", ".db"}, "text": {"lsearch", ""}}

// path returns the file of a table in VIRTMAP_DIR.
func (t table) path(name string) string { return "VIRTMAP_DIR/" + name + t.suffix }

// typeOf returns the type of map of a look-up, such as dbmnz; empty if there is none.
func typeOf(lookup string) string {
	for name, t := range tables {
		if t.lookup == lookup {
			return name
		}
	}
	return ""
}
