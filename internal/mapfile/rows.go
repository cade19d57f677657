package mapfile

import (
	"iter"
	"strings"
)

// The NUL that newaliases and makemap -N put behind keys and values belongs to
// the storing of a map, and is known here alone: WithNUL adds it, WithoutNUL
// takes it away.
const nul = "\x00"

// WithoutNUL gives a key or a value without the NUL behind it, if there is one.
func WithoutNUL[T ~string | ~[]byte](text T) T {
	if n := len(text); n > 0 && text[n-1] == 0 {
		return text[:n-1]
	}
	return text
}

// WithNUL gives a key or a value as newaliases stores it.
func WithNUL(text string) string { return text + nul }

// Pairs are rows in memory.
type Pairs [][2]string

// Len is the number of rows.
func (p Pairs) Len() int { return len(p) }

// Row gives a row.
func (p Pairs) Row(i int) (key, value []byte) { return []byte(p[i][0]), []byte(p[i][1]) }

// All gives the keys and values of rows in their order.
func All(rows Rows) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for i := range rows.Len() {
			if !yield(rows.Row(i)) {
				return
			}
		}
	}
}

// RowsOf gives the rows of a map in memory; none where the map cannot be read to
// its end.
func RowsOf(image []byte) (rows Pairs) {
	m, _, err := OpenImage(image)
	if err != nil {
		return nil
	}
	for row, err := range m.All() {
		if err != nil {
			return nil
		}
		rows = append(rows, [2]string{string(row[0]), string(row[1])})
	}
	return rows
}

// Missing gives the rows of old whose keys are in none of the rows of next.
func Missing(old, next Rows) (gone Pairs) {
	have := make(map[string]bool, next.Len())
	for key := range All(next) {
		have[string(key)] = true
	}
	for key, value := range All(old) {
		if !have[string(key)] {
			gone = append(gone, [2]string{string(key), string(value)})
		}
	}
	return gone
}

// Joined are the rows of a, and behind them those of b.
func Joined(a, b Rows) Rows { return joined{a, b} }

type joined struct{ a, b Rows }

func (j joined) Len() int { return j.a.Len() + j.b.Len() }

func (j joined) Row(i int) (key, value []byte) {
	if i < j.a.Len() {
		return j.a.Row(i)
	}
	return j.b.Row(i - j.a.Len())
}

// Lines gives rows for a person to read, one line a row: key -> value.
func Lines(rows Rows) []string {
	lines := make([]string, 0, rows.Len())
	for key, value := range All(rows) {
		lines = append(lines, Line(key, value))
	}
	return lines
}

// Line gives one row for a person to read.
func Line(key, value []byte) string {
	var line strings.Builder
	line.Write(WithoutNUL(key))
	line.WriteString(" -> ")
	line.Write(WithoutNUL(value))
	return line.String()
}
