package postfix

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// A rowText is the text of a table, and the positions of its rows. It implements
// mapfile.Rows: its keys and values are parts of the text.
type rowText struct {
	text []byte
	at   []rowAt
	room rowSize // of a part of another table
}

// A rowAt is the position of a row in the text.
type rowAt struct {
	start, key, value uint32 // the offset of the key, and the lengths of key and value
	pos               diag.Pos
}

// separator is between the key and the value of a row.
const separator = '\t'

// newRows returns a table with a comment at its top and no rows.
func newRows(m *inventory.Model, what string) *rowText {
	return &rowText{text: []byte(mta.Header(m, what))}
}

// Len returns the number of rows.
func (r *rowText) Len() int { return len(r.at) }

// Row returns row i.
func (r *rowText) Row(i int) (key, value []byte) {
	at := r.at[i]
	end := at.start + at.key
	return r.text[at.start:end], r.text[end+1 : end+1+at.value]
}

// A rowSize is a number of rows, and of bytes of their text.
type rowSize struct{ text, rows int }

// grow makes room for further rows.
func (r *rowText) grow(s rowSize) {
	r.text, r.at = slices.Grow(r.text, s.text), slices.Grow(r.at, s.rows)
}

// used returns the size of a table.
func (r *rowText) used() rowSize { return rowSize{len(r.text), len(r.at)} }

// cut takes back what was appended behind a size.
func (r *rowText) cut(s rowSize) { r.text, r.at = r.text[:s.text], r.at[:s.rows] }

// part returns an empty table in the free room of this table, behind room for the rows
// before it. If its own room is not enough, it gets other memory.
func (r *rowText) part(before, size rowSize) *rowText {
	text, rows := len(r.text)+before.text, len(r.at)+before.rows
	return &rowText{
		text: r.text[text : text : text+size.text], at: r.at[rows : rows : rows+size.rows],
		room: size,
	}
}

// join appends the rows of other tables, in their order.
func (r *rowText) join(parts []*rowText) {
	outgrew := func(p *rowText) bool { return cap(p.text) != p.room.text || cap(p.at) != p.room.rows }
	if slices.ContainsFunc(parts, outgrew) {
		for _, p := range parts { // joining would overwrite the rows of later parts
			p.text, p.at = slices.Clone(p.text), slices.Clone(p.at)
		}
	}
	for _, p := range parts {
		behind, first := uint32(len(r.text)), len(r.at)
		r.text, r.at = append(r.text, p.text...), append(r.at, p.at...)
		for i := range r.at[first:] {
			r.at[first+i].start += behind
		}
	}
}

// add appends the row of local@domain; an empty local is the catch-all @domain.
func (r *rowText) add(local, domain, value string, pos diag.Pos) {
	start := len(r.text)
	r.text = append(append(append(r.text, local...), '@'), domain...)
	r.end(start, value, pos)
}

// addKey appends a row whose key need not be an address.
func (r *rowText) addKey(key, value string, pos diag.Pos) {
	start := len(r.text)
	r.text = append(r.text, key...)
	r.end(start, value, pos)
}

// end appends the value of the row whose key begins at start.
func (r *rowText) end(start int, value string, pos diag.Pos) {
	key := len(r.text) - start
	r.text = append(append(append(r.text, separator), value...), '\n')
	r.at = append(r.at, rowAt{uint32(start), uint32(key), uint32(len(value)), pos})
}

// addMissing appends those rows whose keys the table does not have.
func (r *rowText) addMissing(rows mapfile.Pairs) {
	if len(rows) == 0 {
		return
	}
	have := map[string]bool{}
	for key := range mapfile.All(r) {
		have[string(key)] = true
	}
	for _, row := range rows {
		if !have[row[0]] {
			r.addKey(row[0], row[1], 0)
		}
	}
}

// find returns the number of the row with a key, in a table that is sorted as
// inventory.CompareKeys orders keys.
func (r *rowText) find(key string) (i int, ok bool) { return mta.FindRow(r, []byte(key)) }

// readRows returns the rows of a text as postmap(1) reads it: the first row of a key
// counts, a line that begins with white space goes on with the row before it, and a
// line with # as its first character is a comment. Keys are folded to lower case.
func readRows(text []byte) mapfile.Rows {
	if r, ok := readOrdered(text); ok {
		return r
	}
	r := &rowText{text: make([]byte, 0, len(text))}
	have := map[string]bool{}
	for _, line := range logicalLines(text) {
		key, value, _ := bytes.Cut(bytes.ReplaceAll(line, []byte("\t"), []byte(" ")), []byte(" "))
		name, right := strings.ToLower(string(key)), string(bytes.TrimSpace(value))
		if right != "" && !have[name] {
			have[name] = true
			r.addKey(name, right, 0)
		}
	}
	return r
}

// readOrdered reads a text as virtmap writes it: each row has a line, the key in lower case, a
// separator and the value, and the keys are in the order of inventory.CompareKeys. ok is false
// for another text. The rows are parts of the text.
func readOrdered(text []byte) (r *rowText, ok bool) {
	r = &rowText{text: text, at: make([]rowAt, 0, bytes.Count(text, []byte{'\n'}))}
	var last []byte
	for start := 0; start < len(text); {
		end := bytes.IndexByte(text[start:], '\n')
		if end < 0 {
			return nil, false
		}
		line := text[start : start+end]
		if len(line) == 0 || line[0] == '#' {
			start += end + 1
			continue
		}
		cut := bytes.IndexByte(line, separator)
		if cut <= 0 || !isKey(line[:cut]) || !isTrimmed(line[cut+1:]) || last != nil && inventory.CompareKeys(last, line[:cut]) >= 0 {
			return nil, false
		}
		last = line[:cut]
		r.at = append(r.at, rowAt{uint32(start), uint32(cut), uint32(end - cut - 1), 0})
		start += end + 1
	}
	return r, true
}

// isKey reports whether a key has no blanks, no capital letters and only ASCII.
func isKey(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || 'A' <= c && c <= 'Z' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isTrimmed reports whether a value has neither blanks around it nor white space other than
// blanks in it, nor anything beyond ASCII.
func isTrimmed(value []byte) bool {
	if len(value) == 0 || value[0] == ' ' || value[len(value)-1] == ' ' {
		return false
	}
	for _, c := range value {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// sorted returns rows in the order of inventory.CompareKeys. Rows that have this order
// are returned as they are.
func sorted(rows mapfile.Rows) mapfile.Rows {
	n, inOrder := rows.Len(), true
	for i := 1; i < n && inOrder; i++ {
		before, _ := rows.Row(i - 1)
		key, _ := rows.Row(i)
		inOrder = inventory.CompareKeys(before, key) < 0
	}
	if inOrder {
		return rows
	}
	all := make([][2][]byte, n)
	for i := range all {
		all[i][0], all[i][1] = rows.Row(i)
	}
	slices.SortStableFunc(all, func(a, b [2][]byte) int { return inventory.CompareKeys(a[0], b[0]) })
	return pairs(all)
}

// pairs are rows of any order.
type pairs [][2][]byte

func (p pairs) Len() int                      { return len(p) }
func (p pairs) Row(i int) (key, value []byte) { return p[i][0], p[i][1] }

// logicalLines returns the lines of a text without comments. A line that begins with
// white space belongs to the line before it, also across comments and empty lines.
func logicalLines(text []byte) (lines [][]byte) {
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		blank := bytes.TrimLeft(line, " \t")
		switch {
		case len(blank) == 0 || blank[0] == '#':
		case len(blank) < len(line) && len(lines) > 0:
			last := &lines[len(lines)-1]
			*last = slices.Concat(*last, []byte(" "), blank)
		default:
			lines = append(lines, blank)
		}
	}
	return lines
}
