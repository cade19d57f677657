package fileset

import (
	"bytes"
	"io"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
)

// While a set is swapped, rows of the old virtusertable still lead to aliases
// that the new one has no more, and a domain that changes its role is named in
// neither list of names. So the alias file and the relay domains go through a
// form that has both, and get their own when everything else is in place.

// bridgeAliases gives the last output, the alias file that sendmail reads, its
// bridge.
func (b *builder) bridgeAliases(text []byte, rows mapfile.Rows) {
	out := b.last()
	if b.typ.Write == nil {
		out.Bridge = func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
			var lines []string
			for _, row := range goneRows(aliasTextRows(installed.Bytes), rows) {
				lines = append(lines, strings.TrimSuffix(row[0], "\x00")+":\t"+strings.TrimSuffix(row[1], "\x00"))
			}
			return withLines(text, lines)
		}
		return
	}
	out.Bridge = func(installed *mmap.Image, ofText []byte) func(io.WriteSeeker) error {
		var was mapfile.Rows = imageRows(installed.Bytes)
		if ofText != nil {
			was = aliasTextRows(ofText)
		}
		gone := goneRows(was, rows)
		if len(gone) == 0 {
			return nil
		}
		return func(w io.WriteSeeker) error { return b.typ.Write(w, joinedRows{rows, gone}) }
	}
}

// imageRows are the rows of a map; none when it cannot be read.
func imageRows(image []byte) (rows pairs) {
	m, _, err := mapfile.OpenImage(image)
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

// goneRows are the rows whose keys others do not have.
func goneRows(installed, rows mapfile.Rows) (gone pairs) {
	have := make(map[string]bool, rows.Len())
	for i := range rows.Len() {
		key, _ := rows.Row(i)
		have[string(key)] = true
	}
	for i := range installed.Len() {
		if key, value := installed.Row(i); !have[string(key)] {
			gone = append(gone, [2]string{string(key), string(value)})
		}
	}
	return gone
}

// joinedRows are the rows of two.
type joinedRows struct{ a, b mapfile.Rows }

func (j joinedRows) Len() int { return j.a.Len() + j.b.Len() }

func (j joinedRows) Row(i int) (key, value []byte) {
	if i < j.a.Len() {
		return j.a.Row(i)
	}
	return j.b.Row(i - j.a.Len())
}

// bridgeNames is a list of names and behind it those of the installed list that
// it does not have.
func bridgeNames(text []byte) func(installed *mmap.Image, ofText []byte) func(io.WriteSeeker) error {
	return func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
		return withLines(text, missing(nameLines(installed.Bytes), nameLines(text)))
	}
}

func withLines(text []byte, lines []string) func(io.WriteSeeker) error {
	if len(lines) == 0 {
		return nil
	}
	return func(w io.WriteSeeker) error {
		_, err := w.Write(append(bytes.Clone(text), strings.Join(lines, "\n")+"\n"...))
		return err
	}
}
