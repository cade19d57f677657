package virtuser

import (
	"bytes"
	"iter"
	"maps"
	"math"
	"slices"

	"virtmap/internal/parallel"
	"virtmap/inventory"
)

// ReadSorted returns the table of a text in the form of Compile: comments, then rows of
// a key, one tab and a right side, in the order of inventory.CompareKeys. ok is false
// for any other text; Parse can read it. The table keeps the text, which must not
// change.
func ReadSorted(text []byte) (*Table, bool) {
	if uint64(len(text)) > math.MaxUint32 {
		return nil, false
	}
	t := &Table{text: text, rows: make([]row, 0, bytes.Count(text, []byte("\n")))}
	var before []byte
	for start := 0; start < len(text); {
		line := text[start:]
		end := bytes.IndexByte(line, '\n')
		if end < 0 {
			return nil, false
		}
		line = line[:end]
		if end > 0 && line[0] == '#' {
			start += end + 1
			continue
		}
		tab := bytes.IndexByte(line, '\t')
		if tab <= 0 || tab > MaxKey || end-tab-1 <= 0 || end > MaxLine || line[tab+1] == ' ' || line[tab+1] == '\t' {
			return nil, false
		}
		key := line[:tab]
		if bytes.IndexByte(key, '@') < 0 || !isFolded(key) || before != nil && inventory.CompareKeys(before, key) >= 0 {
			return nil, false
		}
		t.rows = append(t.rows, row{start: uint32(start), key: uint16(tab), gap: 1, value: uint16(end - tab - 1)})
		before = key
		start += end + 1
	}
	return t, true
}

// isFolded reports whether a key is in the form in which sendmail looks it up.
func isFolded(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// SortedTable makes a table of rows in any order. Of two rows with the same key it
// keeps the first. It leaves out a row that a virtusertable cannot have.
func SortedTable(rows iter.Seq2[[]byte, []byte]) *Table {
	t, by := &Table{}, domainOrder{number: map[string]uint32{}}
	for key, value := range rows {
		at := bytes.LastIndexByte(key, '@')
		if at < 0 || len(key) > MaxKey {
			continue // the key never matches
		}
		value = value[:min(len(value), math.MaxUint16)] // no reply is this long
		by.add(key[at+1:])
		t.rows = append(t.rows, row{start: uint32(len(t.text)), key: uint16(len(key)), value: uint16(len(value))})
		t.text = append(append(t.text, key...), value...)
	}
	var ends []int
	t.rows, ends = by.sort(t.rows)
	_ = parallel.Ranges(len(ends), leastDomains, func(_, from, to int) error {
		for d := from; d < to; d++ {
			start := 0
			if d > 0 {
				start = ends[d-1]
			}
			slices.SortStableFunc(t.rows[start:ends[d]], t.compare)
		}
		return nil
	})
	t.rows = slices.CompactFunc(t.rows, func(a, b row) bool { return t.compare(a, b) == 0 })
	return t
}

func (t *Table) compare(a, b row) int {
	return inventory.CompareKeys(t.text[a.start:a.start+uint32(a.key)], t.text[b.start:b.start+uint32(b.key)])
}

// A domainOrder groups rows by domain. There are few domains, and comparing all rows
// with each other takes three times as long.
type domainOrder struct {
	number map[string]uint32 // the number of each domain, in the order of add
	count  []int             // the number of rows of each domain
	of     []uint32          // the domain number of each row
}

func (o *domainOrder) add(domain []byte) {
	d, known := o.number[string(domain)]
	if !known {
		d = uint32(len(o.count))
		o.number[string(domain)] = d
		o.count = append(o.count, 0)
	}
	o.count[d]++
	o.of = append(o.of, d)
}

// sort returns the rows by domain, and for each domain the index after its last row.
func (o *domainOrder) sort(rows []row) (sorted []row, ends []int) {
	next, at := make([]int, len(o.count)), 0
	for _, name := range slices.Sorted(maps.Keys(o.number)) {
		d := o.number[name]
		next[d] = at
		at += o.count[d]
		ends = append(ends, at)
	}
	sorted = make([]row, len(rows))
	for i, r := range rows {
		d := o.of[i]
		sorted[next[d]] = r
		next[d]++
	}
	return sorted, ends
}
