package fileset

import (
	"bytes"
	"io"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
)

// While a set is swapped, rows of the old set still lead to rows of a file that
// the new one has no more, and a domain that changes its role is named in neither
// of two lists. So a file that others lead to (mta.File.Union) goes through a form
// that has both, and gets its own form when everything else is in place.

// bridgeTable gives the last output, a table or its map, its bridge.
func (b *builder) bridgeTable(file mta.File, text []byte, rows mapfile.Rows) {
	out := b.last()
	if b.typ.Write == nil {
		out.Bridge = func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
			var lines []string
			for _, row := range mapfile.Missing(file.Rows(installed.Bytes), rows) {
				lines = append(lines, file.Row(row[0], row[1]))
			}
			return withLines(text, lines)
		}
		return
	}
	typ := b.typ
	out.Bridge = func(installed *mmap.Image, ofText []byte) func(io.WriteSeeker) error {
		var was mapfile.Rows = mapfile.RowsOf(installed.Bytes)
		if ofText != nil {
			was = file.Rows(ofText)
		}
		gone := mapfile.Missing(was, rows)
		if len(gone) == 0 {
			return nil
		}
		return func(w io.WriteSeeker) error { return typ.Write(w, mapfile.Joined(rows, gone)) }
	}
}

// bridgeLines gives a text and behind it those lines of the installed one that it
// does not have.
func bridgeLines(file mta.File, text []byte) func(installed *mmap.Image, ofText []byte) func(io.WriteSeeker) error {
	return func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
		return withLines(text, missing(file.Lines(installed.Bytes), file.Lines(text)))
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
