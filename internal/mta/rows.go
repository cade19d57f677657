package mta

import (
	"bytes"
	"sort"

	"virtmap/internal/mapfile"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// RowOf returns the key of the first row of the virtual addresses that a step of an
// address hit; empty if there is no such row.
func (s *Server) RowOf(steps []outcome.Step) string {
	table, _ := s.Of(Addresses)
	return RowIn(table.Name, steps)
}

// RowIn returns the key of the first row of a table that a step hit; empty if there is no
// such row.
func RowIn(table string, steps []outcome.Step) string {
	for _, step := range steps {
		if step.Hit && step.Table == table {
			return step.Key
		}
	}
	return ""
}

// A Splitter is implemented by a Set that has rows of the virtual addresses in several
// tables.
type Splitter interface {
	// RowKey returns the key in Set.Rows of the row that a step hit; empty: it hit none.
	RowKey(step outcome.Step) string
}

// RowKey returns the key in Set.Rows of the row that a step hit; empty: it hit none. table
// is the name of the table of the virtual addresses.
func RowKey(set Set, table string, step outcome.Step) string {
	if s, ok := set.(Splitter); ok {
		return s.RowKey(step)
	}
	return RowIn(table, []outcome.Step{step})
}

// FindRow finds the number of the row with a key, in rows that are sorted as
// inventory orders keys.
func FindRow(rows mapfile.Rows, key []byte) (i int, ok bool) {
	i = sort.Search(rows.Len(), func(i int) bool {
		found, _ := rows.Row(i)
		return inventory.CompareKeys(found, key) >= 0
	})
	if i == rows.Len() {
		return i, false
	}
	found, _ := rows.Row(i)
	return i, bytes.Equal(found, key)
}

// HasRow reports whether sorted rows have a key.
func HasRow(rows mapfile.Rows, key string) bool {
	_, ok := FindRow(rows, []byte(key))
	return ok
}
