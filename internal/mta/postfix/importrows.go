package postfix

import (
	"bytes"
	"cmp"
	"slices"

	"virtmap/internal/mta"
	"virtmap/inventory"
)

// importedRows are the rows of an inventory that is made, sorted as inventory orders keys.
// They implement mapfile.Rows: keys and values are parts of one text.
type importedRows struct {
	text []byte
	list []importedRow
}

// An importedRow is the place of a row in the text, and its place in the source, as
// mta.Facts.Order has it.
type importedRow struct{ start, key, value, place uint32 }

// Len returns the number of rows.
func (r *importedRows) Len() int { return len(r.list) }

// Row returns a row.
func (r *importedRows) Row(i int) (key, value []byte) {
	at := r.list[i]
	end := at.start + at.key
	return r.text[at.start:end], r.text[end : end+at.value]
}

// add appends a row.
func (r *importedRows) add(key, value string, place uint32) {
	r.list = append(r.list, importedRow{uint32(len(r.text)), uint32(len(key)), uint32(len(value)), place})
	r.text = append(append(r.text, key...), value...)
}

// get returns the value of a key.
func (r *importedRows) get(key string) (value string, ok bool) {
	i, ok := mta.FindRow(r, []byte(key))
	if !ok {
		return "", false
	}
	_, found := r.Row(i)
	return string(found), true
}

// sort sorts the rows, and keeps the first one of each key.
func (r *importedRows) sort() {
	key := func(row importedRow) []byte { return r.text[row.start : row.start+row.key] }
	slices.SortFunc(r.list, func(a, b importedRow) int {
		return cmp.Or(inventory.CompareKeys(key(a), key(b)), cmp.Compare(a.place, b.place))
	})
	r.list = slices.CompactFunc(r.list, func(a, b importedRow) bool { return bytes.Equal(key(a), key(b)) })
}

// order returns the place of each row in the source.
func (r *importedRows) order() []uint32 {
	order := make([]uint32, len(r.list))
	for i := range r.list {
		order[i] = r.list[i].place
	}
	return order
}
