package virtuser

import (
	"bytes"
	"iter"
	"math"
	"slices"
)

// ReadSorted gives the table of a text as Compile writes it: comments, then
// rows of key, one tab and right side, in the order of CompareKeys. It reports
// false for any other text, which Parse can read. The text is the table's from
// then on.
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
		if bytes.IndexByte(key, '@') < 0 || !isFolded(key) || before != nil && CompareKeys(before, key) >= 0 {
			return nil, false
		}
		t.rows = append(t.rows, row{start: uint32(start), key: uint16(tab), gap: 1, value: uint16(end - tab - 1)})
		before = key
		start += end + 1
	}
	return t, true
}

// isFolded reports whether a key is as sendmail looks it up.
func isFolded(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// SortedTable makes a table of rows in any order. Of two rows with one key it
// keeps the first; what is no row of a virtusertable is left out.
func SortedTable(rows iter.Seq2[[]byte, []byte]) *Table {
	t := &Table{}
	for key, value := range rows {
		if bytes.IndexByte(key, '@') < 0 || len(key) > MaxKey {
			continue // it never matches
		}
		value = value[:min(len(value), math.MaxUint16)] // no reply is as long
		t.rows = append(t.rows, row{start: uint32(len(t.text)), key: uint16(len(key)), value: uint16(len(value))})
		t.text = append(append(t.text, key...), value...)
	}
	compare := func(a, b row) int {
		return CompareKeys(t.text[a.start:a.start+uint32(a.key)], t.text[b.start:b.start+uint32(b.key)])
	}
	slices.SortStableFunc(t.rows, compare)
	t.rows = slices.CompactFunc(t.rows, func(a, b row) bool { return compare(a, b) == 0 })
	return t
}
