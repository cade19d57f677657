package mta

import (
	"fmt"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An Imported is a server of which an inventory is made. As a Set it is what the
// server's files are today.
type Imported interface {
	Set
	// Facts are what the files say beside their rows.
	Facts() *Facts
	// Serves reports whether the server looks up rows of a domain, Relays whether it
	// only relays mail for the domain. Domains are folded.
	Serves(domain string) bool
	Relays(domain string) bool
	// Unused says why the server never looks at the row of a key, or why no inventory
	// can have the row; empty: an inventory can have it.
	Unused(key string) (why string)
	// Means gives what a row says.
	Means(key, value string) Meaning
	// Shown is a value as a person would write it.
	Shown(value string) string
	// Remark is what a person should know when the server refuses mail because of a
	// value that is no refusal; empty: nothing.
	Remark(value string) string
	// User gives what the files say of a user.
	User(name string) Mailbox
	// Account reports whether the server has an account, Knows whether its own aliases
	// have a name.
	Account(name string) bool
	Knows(name string) bool
	// Delivers reports whether a name counts as an account when outcomes are compared.
	Delivers(name string) bool

	// Pair prepares the comparison with the files of the inventory, which must be open.
	// On both sides the server's accounts and its own files are the same.
	Pair(built Set) (Pair, error)
	// Both are two builds with the accounts of each other and of the server. Of their
	// Pair only the sets count.
	Both(old, next Build) Pair
	// RowOf returns the key of the row that decided about an address, of which Route has the
	// steps; empty: no row did.
	RowOf(addr string, steps []outcome.Step) string
	// Reason says why the ways of the server give an address another outcome; empty: the
	// server has no reason of its own.
	Reason(address string, old, next outcome.Outcome) string
	// Release frees the memory of the rows until Rows reads them again.
	Release()
}

// Facts are what the files of an imported server say beside their rows.
type Facts struct {
	Server string // the kind of the server, for messages
	Host   string // the server's own name
	// HostKnown says that Host stands in the files.
	HostKnown bool
	MailDir   string           // the folder of its files; empty: the usual one
	MapType   string           // empty: the usual one
	Detail    inventory.Detail // what the server does with user+detail of a listed user; 0: it drops the detail
	// DropCaught says that a detail is a part of the name, and Detail does not count in a
	// domain whose catch-all takes mail: there the detail is dropped, so that nothing is
	// refused that the catch-all takes.
	DropCaught bool
	Names      []string // served or relayed, in the order of the server, without those that no inventory can have

	Head, Tail []string // comments of the rows: at the top, and behind the last row
	// Order has the place of each row of Rows in the source, for example its line, from
	// 1; math.MaxUint32: the source does not have the row. nil: the order of Rows.
	Order []uint32

	Above      map[string][]string // by key: comments above a row
	AboveNames map[string][]string // by name: comments above it; the empty name has the others

	Closed map[string]bool // domains that refuse what they do not list; without a catch-all any other has the server's own accounts

	Dead []DeadRow // lines that are not imported
	// Instead names each line of the configuration that says what the inventory has: a
	// person takes these lines out before a build.
	Instead []string
	Left    []string // what no inventory can have; each goes on behind "Not imported"
}

// A DeadRow is a line among the rows that is not imported. Read says that the server reads
// the row, and no inventory can have it; otherwise the server does not read the line.
type DeadRow struct {
	Key, Value, Why string
	Read            bool
	At              uint32 // its place, as in Facts.Order; 0: not known
}

// CutLine cuts a line at its first blank. The line need not be a row.
func CutLine(line string) (key, value string) {
	end := strings.IndexAny(line+" ", " \t")
	return line[:end], strings.TrimLeft(line[end:], " \t")
}

// A Meaning is what a row of an imported server says: it refuses mail, or it has
// recipients.
type Meaning struct {
	Refuses bool
	Reply   outcome.Outcome // of a refusal; zero Code: the server's own answer counts

	To    []string // names, addresses or patterns of addresses; not to be changed
	List  bool     // To are the members of a list
	Owner string   // the recipient of the bounces of the list; empty: there is none
	Keeps bool     // the detail is kept

	Same   bool   // every name leads to the same name at Domain
	Domain string // the domain of Same

	Part, Whole bool // a part of the address, or all of it, is put into the value
}

// A Mailbox is what an imported server does with the mail of a user.
type Mailbox struct {
	Note    string   // for the inventory
	Comment string   // what is still to be done about the user; empty: nothing
	File    string   // the mail goes to this file; empty: to the usual one
	UID     string   // the number of the owner of the file; empty: it is not known
	GID     string   // the number of its group; empty: that of UID
	Forward []string // recipients that get the mail too
}

// Lists are virtual addresses from lists, to be imported as if a server had them.
type Lists struct {
	Host    string                 // the server's own name
	Account func(name string) bool // accounts of the server
	Base    string                 // the folder of the mailboxes whose paths do not begin with /; empty: it is not known
	Lists   []*lists.List          // if two have a row of the same address, the first counts
}

// Unsayable says why an inventory cannot have a domain; empty: it can.
func Unsayable(domain string) string {
	folded, bad := mailaddr.FoldDomain(domain)
	switch {
	case bad != nil:
		return bad.Text
	case folded != strings.TrimSuffix(domain, "."):
		return fmt.Sprintf("%q is not ASCII, and mail comes to %s", domain, folded)
	}
	return ""
}
