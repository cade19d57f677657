// Package rowtext has tables as text: a key, a tab and a value on each line. Such a text
// is read by postmap(1), and by Exim's lsearch if no key has a colon, a quote or a blank.
package rowtext

import (
	"bytes"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// A Text is the text of a table, and the positions of its rows. It implements
// mapfile.Rows: its keys and values are parts of the text.
type Text struct {
	text []byte
	at   []rowAt
	room Size // of a part of another table
}

// A rowAt is the position of a row in the text.
type rowAt struct {
	start, key, value uint32 // the offset of the key, and the lengths of key and value
	pos               diag.Pos
}

// Separator is between the key and the value of a row.
const Separator = '\t'

// New returns a table with comments at its top and no rows.
func New(head string) *Text { return &Text{text: []byte(head)} }

// Bytes returns the text.
func (r *Text) Bytes() []byte { return r.text }

// Pos returns the place in the inventory of row i.
func (r *Text) Pos(i int) diag.Pos { return r.at[i].pos }

// Len returns the number of rows.
func (r *Text) Len() int { return len(r.at) }

// Row returns row i.
func (r *Text) Row(i int) (key, value []byte) {
	at := r.at[i]
	end := at.start + at.key
	return r.text[at.start:end], r.text[end+1 : end+1+at.value]
}

// A Size is a number of rows, and of bytes of their text.
type Size struct{ Text, Rows int }

// Grow makes room for further rows.
func (r *Text) Grow(s Size) {
	r.text, r.at = slices.Grow(r.text, s.Text), slices.Grow(r.at, s.Rows)
}

// Used returns the size of a table.
func (r *Text) Used() Size { return Size{len(r.text), len(r.at)} }

// Cut takes back what was appended behind a size.
func (r *Text) Cut(s Size) { r.text, r.at = r.text[:s.Text], r.at[:s.Rows] }

// Part returns an empty table in the free room of this table, behind room for the rows
// before it. If its own room is not enough, it gets other memory.
func (r *Text) Part(before, size Size) *Text {
	text, rows := len(r.text)+before.Text, len(r.at)+before.Rows
	return &Text{
		text: r.text[text : text : text+size.Text], at: r.at[rows : rows : rows+size.Rows],
		room: size,
	}
}

// Join appends the rows of other tables, in their order.
func (r *Text) Join(parts []*Text) {
	outgrew := func(p *Text) bool { return cap(p.text) != p.room.Text || cap(p.at) != p.room.Rows }
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

// Add appends the row of local@domain; an empty local is the catch-all @domain.
func (r *Text) Add(local, domain, value string, pos diag.Pos) {
	start := len(r.text)
	r.text = append(append(append(r.text, local...), '@'), domain...)
	r.end(start, value, pos)
}

// AddKey appends a row whose key need not be an address.
func (r *Text) AddKey(key, value string, pos diag.Pos) {
	start := len(r.text)
	r.text = append(r.text, key...)
	r.end(start, value, pos)
}

// end appends the value of the row whose key begins at start.
func (r *Text) end(start int, value string, pos diag.Pos) {
	key := len(r.text) - start
	r.text = append(append(append(r.text, Separator), value...), '\n')
	r.at = append(r.at, rowAt{uint32(start), uint32(key), uint32(len(value)), pos})
}

// AddMissing appends those rows whose keys the table does not have.
func (r *Text) AddMissing(rows mapfile.Pairs) {
	if len(rows) == 0 {
		return
	}
	have := map[string]bool{}
	for key := range mapfile.All(r) {
		have[string(key)] = true
	}
	for _, row := range rows {
		if !have[row[0]] {
			r.AddKey(row[0], row[1], 0)
		}
	}
}

// Merged returns a table with further rows, in the order of inventory.CompareKeys, and
// with further comments. A row of the table wins.
func (r *Text) Merged(more mapfile.Pairs, comments []string) *Text {
	head := len(r.text)
	if len(r.at) > 0 {
		head = int(r.at[0].start)
	}
	out := &Text{text: slices.Clone(r.text[:head])}
	for _, line := range comments {
		out.text = append(append(out.text, line...), '\n')
	}
	slices.SortFunc(more, func(a, b [2]string) int { return inventory.CompareKeys([]byte(a[0]), []byte(b[0])) })
	for i := range r.at {
		key, value := r.Row(i)
		for len(more) > 0 && inventory.CompareKeys([]byte(more[0][0]), key) < 0 {
			out.AddKey(more[0][0], more[0][1], 0)
			more = more[1:]
		}
		if len(more) > 0 && more[0][0] == string(key) {
			more = more[1:]
		}
		out.AddKey(string(key), string(value), r.at[i].pos)
	}
	for _, row := range more {
		out.AddKey(row[0], row[1], 0)
	}
	return out
}

// Parse returns the rows of a text as postmap(1) reads it: the first row of a key
// counts, a line that begins with white space goes on with the row before it, and a
// line with # as its first character is a comment. Keys are folded to lower case.
func Parse(text []byte) mapfile.Rows {
	if r, ok := parseOrdered(text); ok {
		return r
	}
	r := &Text{text: make([]byte, 0, len(text))}
	have := map[string]bool{}
	for _, line := range LogicalLines(text) {
		key, value, _ := bytes.Cut(bytes.ReplaceAll(line, []byte("\t"), []byte(" ")), []byte(" "))
		name, right := strings.ToLower(string(key)), string(bytes.TrimSpace(value))
		if right != "" && !have[name] {
			have[name] = true
			r.AddKey(name, right, 0)
		}
	}
	return r
}

// Sorted returns rows in the order of inventory.CompareKeys. Rows that have this order
// are returned as they are.
func Sorted(rows mapfile.Rows) mapfile.Rows {
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
	return Pairs(all)
}

// Pairs are rows of any order.
type Pairs [][2][]byte

// Len returns the number of rows.
func (p Pairs) Len() int { return len(p) }

// Row returns row i.
func (p Pairs) Row(i int) (key, value []byte) { return p[i][0], p[i][1] }

// LogicalLines returns the lines of a text without comments. A line that begins with
// white space belongs to the line before it, also across comments and empty lines.
func LogicalLines(text []byte) (lines [][]byte) {
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

// PlainLines returns the lines of a text without comments and empty lines.
func PlainLines(text []byte) (all []string) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			all = append(all, line)
		}
	}
	return all
}

// Line returns a row as a line of a text, without the line end.
func Line(key, value string) string {
	return mapfile.WithoutNUL(key) + string(Separator) + mapfile.WithoutNUL(value)
}
