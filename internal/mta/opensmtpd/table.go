package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// An entry is a row of a table.
type entry struct {
	key, value string
	pos        diag.Pos
}

// A table is a table of rows. After sort, the order is that of inventory.CompareKeys.
type table []entry

func (t table) sort() {
	slices.SortFunc(t, func(a, b entry) int { return inventory.CompareKeys([]byte(a.key), []byte(b.key)) })
}

// find finds the row with a key in a sorted table.
func (t table) find(key string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(t, key, func(e entry, key string) int { return inventory.CompareKeys([]byte(e.key), []byte(key)) })
	if !ok {
		return entry{}, false
	}
	return t[i], true
}

// text returns a table as a text with comments at its top.
func (t table) text(head string) *rowtext.Text {
	size := rowtext.Size{Rows: len(t)}
	for _, e := range t {
		size.Text += len(e.key) + len(e.value) + len("\t\n")
	}
	r := rowtext.New(head)
	r.Grow(size)
	for _, e := range t {
		r.AddKey(e.key, e.value, e.pos)
	}
	return r
}

// finish sorts the tables, and finds out whether any address has another end with a detail
// than without it.
func (c *compiler) finish() {
	for _, t := range c.rows.tables {
		t.sort()
	}
	for _, k := range []kind{withDetail, emptyDetail} {
		for _, e := range c.rows.tables[k] {
			c.rows.details = c.rows.details || c.differs(e)
		}
	}
	for _, names := range [][]string{c.rows.listed, c.rows.detail, c.rows.emptyDetail} {
		slices.Sort(names)
	}
}

// differs reports whether a row of a table of details says something else than the table
// of addresses does for the same address.
func (c *compiler) differs(e entry) bool {
	if _, _, plus := cutDetail(e.key[:strings.LastIndexByte(e.key, '@')]); plus {
		return true
	}
	same, ok := c.rows.tables[plain].find(e.key)
	return !ok || same.value != e.value
}
