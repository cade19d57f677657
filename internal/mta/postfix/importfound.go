package postfix

import (
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
)

// A listTable is the table of virtual_alias_maps that lists are judged as. It keeps few rows
// of its own, because a large list has a hundred bytes a row: while the rows of an import are
// made it finds those of the lists, and then those of the import.
type listTable struct {
	s  *imported
	in *foreign // nil: the rows of the import are made

	refuses bool // a row refuses mail

	// other has the values that are not those of the import, by key; empty: the list has no
	// such row, or none of targets.
	other map[string]string
}

func (t *listTable) table() *table.Table {
	return &table.Table{Spec: "hash:/" + listVirtual, Type: "hash", Path: "/" + listVirtual, Indexed: true, Find: t.find}
}

func (t *listTable) find(key string) (value string, ok bool, err error) {
	key = table.Fold(key)
	if t.in != nil {
		at, ok := t.in.first[key]
		if !ok {
			return "", false, nil
		}
		value = listValue(t.in.rows[at])
		return value, value != "", nil
	}
	if value, ok = t.other[key]; ok {
		return value, value != "", nil
	}
	value, ok = t.s.rows.get(key)
	return value, ok, nil
}

// listValue returns the value of a row of a list in virtual_alias_maps, or an empty text. An
// address that is refused leads to itself.
func listValue(row lists.Row) string {
	switch {
	case row.Is == lists.SameAs:
		return "@" + row.Value
	case row.Is != lists.Address:
		return ""
	case strings.HasPrefix(row.Value, refusedSign):
		return row.Key
	}
	return row.Value
}

// made remembers that a row of a list has a value in the import, which may be empty. Values
// that say the same are kept once.
func (t *listTable) made(row lists.Row, value string) {
	if own := listValue(row); own != value && !t.s.spells(row.Key, own, value) {
		t.other[row.Key] = strings.Clone(own) // a part of the whole list otherwise
	}
}

// spells reports whether Postfix takes a right side of virtual(5) as the value that the row of
// its key has in the import: a name without a domain is at the server's own name, the case of
// domains does not count, and a domain alone gets the name of the key.
func (s *imported) spells(key, own, value string) bool {
	first := true
	for word := range eachTarget(own) {
		target, more, _ := strings.Cut(value, ", ")
		local, domain, isAddress := mailaddr.Split(word)
		name, at, ok := mailaddr.Split(target)
		switch {
		case !ok, !isAddress && (name != word || at != s.facts.Host), isAddress && !strings.EqualFold(domain, at):
			return false
		case isAddress && local == "":
			if same, _, _ := mailaddr.Split(key); !first || more != "" || name != same {
				return false
			}
		case isAddress && local != name:
			return false
		}
		value, first = more, false
	}
	return value == ""
}
