package virtuser

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// Limits in bytes.
const (
	MaxKey  = 255  // sendmail looks up the first 256 bytes, including the NUL (map.c)
	MaxLine = 1022 // the line buffer of makemap without the newline
)

// A Table is the text of a virtusertable, and the positions of its rows.
type Table struct {
	text []byte
	rows []row
}

type row struct {
	start uint32 // the offset of the key
	pos   diag.Pos
	key   uint16 // the length of the key
	gap   uint16 // the length of the white space between key and value
	value uint16
}

// Text returns the virtusertable in the form in which it is written.
func (t *Table) Text() []byte { return t.text }

// Len returns the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Row returns row i. The slices are parts of the text.
func (t *Table) Row(i int) (key, value []byte) {
	r := t.rows[i]
	at := r.start + uint32(r.key)
	key = t.text[r.start:at]
	at += uint32(r.gap)
	return key, t.text[at : at+uint32(r.value)]
}

// Pos returns the place of row i in the inventory, or in a table written by hand.
func (t *Table) Pos(i int) diag.Pos { return t.rows[i].pos }

// Get returns the right side of a key. The table must be sorted, as Compile leaves it.
func (t *Table) Get(key []byte) (value []byte, ok bool) {
	i, ok := t.Find(key)
	if !ok {
		return nil, false
	}
	_, value = t.Row(i)
	return value, true
}

// Lookup is Get in the form of a Lookup.
func (t *Table) Lookup(key []byte) (value []byte, ok bool, err error) {
	value, ok = t.Get(key)
	return value, ok, nil
}

// Find returns the number of the row with a key, in a sorted table.
func (t *Table) Find(key []byte) (i int, ok bool) {
	return slices.BinarySearchFunc(t.rows, key, func(r row, key []byte) int {
		return inventory.CompareKeys(t.text[r.start:r.start+uint32(r.key)], key)
	})
}

// add appends a row. The caller has checked key and value, and reports the error of a
// row that is too long.
func (t *Table) add(local, domain, value string, pos diag.Pos) error {
	start := len(t.text)
	keyLen := len(local) + 1 + len(domain)
	switch {
	case keyLen > MaxKey:
		return fmt.Errorf("the key %s@%s has %d characters, and sendmail looks up %d", local, domain, keyLen, MaxKey)
	case keyLen+1+len(value) > MaxLine:
		return fmt.Errorf("the row of %s@%s has %d characters, and makemap reads %d", local, domain, keyLen+1+len(value), MaxLine)
	case start+keyLen+len(value)+2 > math.MaxUint32:
		return fmt.Errorf("the virtusertable passes 4 GiB at %s@%s", local, domain)
	}
	t.text = append(t.text, local...)
	t.text = append(t.text, '@')
	t.text = append(t.text, domain...)
	t.text = append(t.text, '\t')
	t.text = append(t.text, value...)
	t.text = append(t.text, '\n')
	t.rows = append(t.rows, row{start: uint32(start), pos: pos, key: uint16(keyLen), gap: 1, value: uint16(len(value))})
	return nil
}

// grow makes room for text and rows.
func (t *Table) grow(text, rows int) {
	t.text, t.rows = slices.Grow(t.text, text), slices.Grow(t.rows, rows)
}

// A tableRoom is a size: bytes of text, and rows.
type tableRoom struct{ text, rows int }

// part returns an empty table that uses a part of the free room of this table.
func (t *Table) part(text, rows int, room tableRoom) *Table {
	text, rows = text+len(t.text), rows+len(t.rows)
	return &Table{text: t.text[text : text : text+room.text], rows: t.rows[rows : rows : rows+room.rows]}
}

// outgrew reports whether a table has left the room that part gave it.
func (t *Table) outgrew(room tableRoom) bool {
	return cap(t.text) != room.text || cap(t.rows) != room.rows
}

func (t *Table) clone() *Table {
	return &Table{text: slices.Clone(t.text), rows: slices.Clone(t.rows)}
}

// join appends the rows of another table. If that table is a part of this one's room,
// it must not begin before the end of this table.
func (t *Table) join(o *Table) {
	at := uint32(len(t.text))
	t.text = append(t.text, o.text...)
	first := len(t.rows)
	t.rows = append(t.rows, o.rows...)
	for i := range t.rows[first:] {
		t.rows[first+i].start += at
	}
}

// addRow appends a row with the whole key local@domain.
func (t *Table) addRow(key, value string, pos diag.Pos) error {
	at := strings.LastIndexByte(key, '@')
	return t.add(key[:max(at, 0)], key[at+1:], value, pos)
}

// header returns the comment at the top of every file that virtmap writes. It has the
// name of the inventory without the folder, and no time, so that the same input gives
// the same bytes.
func header(what, inventoryName string) string {
	name := inventoryName[strings.LastIndexByte(inventoryName, '/')+1:]
	return "# " + what + headerMark + diag.Printable(name) + ".\n" + headerEnd
}

const (
	headerMark = ", written by virtmap from "
	headerEnd  = "# Changes made here are lost at the next build.\n"
)

// OurComment reports whether Compile or Keep wrote a comment, and not a person.
func OurComment(line string) bool {
	return strings.Contains(line, headerMark) || line+"\n" == headerEnd || strings.HasPrefix(line, leavingMark)
}
