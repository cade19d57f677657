package lists

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// postfixAdmin reads a folder with tables of postfixadmin in CSV. Which table a file is, its
// header says.
func postfixAdmin(dir string, read func(string) ([]byte, error), names func(string) ([]string, error)) (*List, error) {
	all, err := names(dir)
	if err != nil {
		return nil, err
	}
	list, found := &List{}, 0
	for _, name := range slices.Sorted(slices.Values(all)) {
		if !isTable(name) {
			continue
		}
		path := filepath.Join(dir, name)
		text, err := read(path)
		if err != nil {
			return nil, err
		}
		switch what := tableOf(string(text)); what {
		case aTable:
			found++
			list.join(parse("csv", path, string(text)))
		case unknownTable:
			list.Left = append(list.Left, Left{Where: path + ":1", Why: "its first line is no header of a table alias, mailbox, alias_domain or domain: export the table with the names of its columns"})
		case noTable:
			list.join(parse("csv", path, string(text)))
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("%q has no file in CSV with the header of a table alias, mailbox, alias_domain or domain of postfixadmin", dir)
	}
	return list, nil
}

// isTable reports whether a file may be a table, by its name.
func isTable(name string) bool {
	if name == "" || name[0] == '.' {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case "", ".csv", ".tsv", ".txt", ".tab", ".sql", ".dump", ".gpg", ".age", ".asc", ".xlsx", ".xls", ".ods":
		return !strings.HasPrefix(strings.ToLower(name), "readme")
	}
	return false
}

// What a file in a folder of postfixadmin is.
type tableKind int

const (
	aTable       tableKind = iota
	otherTable             // one of postfixadmin that says nothing about recipients
	unknownTable           // in CSV, as it seems
	noTable                // encrypted, a dump of SQL, or no text
	emptyTable
)

// otherTables are columns by which tables are known that say nothing about recipients:
// admin, log, vacation_notification, fetchmail, quota, quota2,
// dkim, dkim_signing, mailbox_app_password, totp_exception_address. The table vacation has
// subject and body, config has id, name and value, and domain_admins the name, the domain
// and the date alone.
var otherTables = []string{"superadmin", "action", "activefrom", "notified", "src_server", "current", "bytes", "private_key", "dkim_id", "password_hash", "ip"}

// tableOf returns which table a text is.
func tableOf(text string) tableKind {
	text = strings.TrimPrefix(text, "\ufeff")
	if wholeFile(text) != "" {
		return noTable
	}
	at := 0
	for at < len(text) {
		whole, next := lineAt(text, at)
		if begin := trim(whole); begin != "" && begin[0] != '#' {
			break
		}
		at = next
	}
	if at == len(text) {
		return emptyTable
	}
	whole, _ := lineAt(text, at)
	header := readRecord(text, at, 1, separatorOf(whole), nil).cells
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool {
			return !slices.ContainsFunc(header, func(cell string) bool { return strings.EqualFold(cell, name) })
		})
	}
	c, known := columnsOf(header)
	switch {
	case slices.ContainsFunc(otherTables, func(name string) bool { return has(name) }):
		return otherTable
	case known && (c.is != Address || has("address", "goto")):
		return aTable
	case has("subject", "body"), has("id", "name", "value"), has("username", "domain", "created"):
		return otherTable
	}
	return unknownTable
}
