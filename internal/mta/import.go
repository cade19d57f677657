package mta

import (
	"fmt"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
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

	// Pair prepares the comparison with the files of the inventory, which must be open.
	// On both sides the server's accounts and its own files are the same.
	Pair(built Set) (Pair, error)
	// Both are two builds with the accounts of each other and of the server. Of their
	// Pair only the sets count.
	Both(old, next Build) Pair
	// Reason says why the ways of the server give an address another outcome; empty: the
	// server has no reason of its own.
	Reason(address string, old, next outcome.Outcome) string
	// Release frees the memory of the rows until Rows reads them again.
	Release()
}

// Facts are what the files of an imported server say beside their rows.
type Facts struct {
	Host    string   // the server's own name
	MailDir string   // the folder of its files; empty: the usual one
	MapType string   // empty: the usual one
	Names   []string // served or relayed, without those that no inventory can have

	Head, Tail []string            // comments of the rows: at the top, and behind the last row
	Above      map[string][]string // by key: comments above a row
	AboveNames map[string][]string // by name: comments above it; the empty name has the others

	Dead []DeadRow // lines that the server does not read
	Left []string  // what no inventory can have; each goes on behind "Not imported"
}

// A DeadRow is a line among the rows that the server does not read.
type DeadRow struct{ Key, Value, Why string }

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
	File    string   // the mail goes to this file; empty: to the usual one
	Forward []string // recipients that get the mail too
}

// Lists are virtual addresses from lists, to be imported as if a server had them.
type Lists struct {
	Facts
	// Rows are targets by key, separated by a comma and a blank, or a refusal as it was
	// found. The target of a catch-all may be @domain: the same name there. A domain
	// without a catch-all refuses what it does not list.
	Rows    map[string]string
	Files   map[string]string      // by user: the file to which the mail goes
	Account func(name string) bool // accounts of the server
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
