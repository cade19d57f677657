// Package table reads lookup tables as Postfix opens them. A table is named by a type
// and a path, as in main.cf:
//
//	hash:/etc/postfix/virtual      NAME.db, a Berkeley DB hash (postmap(1))
//	cdb:…, lmdb:…                  NAME.cdb, NAME.lmdb
//	texthash:/etc/postfix/virtual  text, read as postmap(1) reads it
//	regexp:…, pcre:…               rules (regexp_table(5), pcre_table(5))
//	inline:{a=b, {c = d e}}        rows in the name itself
//	static:x, static:{x y}         the same value for every key
//	fail:x                         an error for every key
//	unix:passwd.byname             the accounts
//	nis:mail.aliases               no rows, as without an NIS domain
//	proxy:TYPE:NAME                the same table by way of proxymap(8)
//	/etc/postfix/names             only in lists of domains: lines of names
//
// Every other type, such as mysql or ldap, gives the error Unread. So does a Berkeley
// DB btree, and an expression that Go's regexp package cannot evaluate: one with
// \<, \>, a backward reference, or, in pcre, a look-around.
//
// Where an expression of regexp_table(5) leaves a choice between alternatives of the
// same length, as (|a)[^@]* does, a group may match another part of the key than in the
// C library.
package table

import (
	"path/filepath"
	"strings"
)

// A Lookup returns the value of a key. The error is one of the table, not of the key.
type Lookup func(key string) (value string, ok bool, err error)

// A Table is an open table. It is safe for concurrent use.
type Table struct {
	Spec string // as it was opened
	Type string // without proxy
	Path string // behind the type; for inline and static the rows and the value

	// Indexed says that the table is also asked with parts of an address. regexp and
	// pcre tables are only asked with the whole address.
	Indexed bool
	// Find looks a key up. An Indexed table folds the key.
	Find Lookup
	// Each calls a function with every row until it returns false. nil: the rows cannot
	// be listed.
	Each func(row func(key, value string) bool) error
	// Lines are the lines of a file of names; nil for every other table.
	Lines []string
	// Warnings are what Postfix would log when it opens the table.
	Warnings []string

	plain *Table
}

// Name returns a short name of the table: the last element of its path.
func (t *Table) Name() string {
	if strings.HasPrefix(t.Path, "{") || t.Type == "static" || t.Type == "fail" {
		return t.Type + ":" + t.Path
	}
	return filepath.Base(t.Path)
}

// Plain returns the table as Postfix opens it where text of the key must not get into
// the value, such as in alias_maps and transport_maps: rules with $1 are skipped.
func (t *Table) Plain() *Table {
	if t.plain != nil {
		return t.plain
	}
	return t
}

// Unread is the error for a table that only Postfix can read.
type Unread struct {
	Spec string
	Why  string // with the file and line, if there is one; empty: the type is not known
}

func (u *Unread) Error() string {
	if u.Why != "" {
		return u.Why
	}
	return "virtmap cannot read tables such as " + u.Spec
}
