package postfix

import (
	"bytes"
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mta"
	"virtmap/internal/parallel"
	"virtmap/inventory"
)

// importedRows are the rows of an inventory that is made, sorted as inventory orders keys.
// They implement mapfile.Rows: keys and values are parts of one text.
type importedRows struct {
	text []byte
	list []importedRow
	away *os.File // has the text, which is not in memory; nil: it is
	size int      // of the text in the file
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

// grow makes room for rows. Each name without a domain in their values gets further bytes.
func (r *importedRows) grow(rows []lists.Row, further int) {
	size := 0
	for i := range rows {
		value := rows[i].Value
		size += len(rows[i].Key) + len(value) + further*max(0, strings.Count(value, ",")+1-strings.Count(value, "@"))
	}
	r.text, r.list = slices.Grow(r.text, size), slices.Grow(r.list, len(rows))
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

// sort sorts the rows, and keeps the first one of each key. It puts the rows of each domain
// together first: comparing the names of one domain touches less memory at a time.
func (r *importedRows) sort() {
	list, starts := r.byDomain()
	_ = parallel.Ranges(len(starts)-1, 1, func(_, from, to int) error {
		for d := from; d < to; d++ {
			slices.SortFunc(list[starts[d]:starts[d+1]], r.order)
		}
		return nil
	})
	r.list = slices.CompactFunc(list, func(a, b importedRow) bool { return bytes.Equal(r.keyOf(a), r.keyOf(b)) })
}

func (r *importedRows) keyOf(row importedRow) []byte { return r.text[row.start : row.start+row.key] }

// order compares rows by their keys, and rows of one key by their places.
func (r *importedRows) order(a, b importedRow) int {
	return cmp.Or(inventory.CompareKeys(r.keyOf(a), r.keyOf(b)), cmp.Compare(a.place, b.place))
}

// byDomain returns the rows in the order of their domains, and where those of each domain
// begin, with the end behind the last one.
func (r *importedRows) byDomain() (list []importedRow, starts []int) {
	numbers := map[string]uint32{} // by domain
	of := make([]uint32, len(r.list))
	var counts []int
	for i, row := range r.list {
		domain := keyDomain(r.keyOf(row))
		if i > 0 && bytes.Equal(domain, keyDomain(r.keyOf(r.list[i-1]))) {
			of[i] = of[i-1]
		} else if n, known := numbers[string(domain)]; known {
			of[i] = n
		} else {
			of[i] = uint32(len(counts))
			numbers[string(domain)], counts = of[i], append(counts, 0)
		}
		counts[of[i]]++
	}
	at := make([]int, len(counts)) // by number: where the next row goes
	starts = make([]int, 1, len(counts)+1)
	for _, domain := range slices.Sorted(maps.Keys(numbers)) {
		n, behind := numbers[domain], starts[len(starts)-1]
		at[n], starts = behind, append(starts, behind+counts[n])
	}
	list = make([]importedRow, len(r.list))
	for i, row := range r.list {
		list[at[of[i]]] = row
		at[of[i]]++
	}
	return list, starts
}

// places returns the place of each row in the source.
func (r *importedRows) places() []uint32 {
	places := make([]uint32, len(r.list))
	for i := range r.list {
		places[i] = r.list[i].place
	}
	return places
}
