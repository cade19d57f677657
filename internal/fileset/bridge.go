package fileset

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
)

// During a swap, rows of the old set still lead to rows of another file, which the new
// file may not have. A domain that changes its role may be in neither of two lists. A
// file that other files lead to (mta.File.Union) is therefore written twice: first as a
// bridge, which has the rows of both sets, and in its own form when all other files are
// in place.

// bridgeTable adds the bridge to the last output, which is a table or its map.
func (b *builder) bridgeTable(file mta.File, text []byte, rows mapfile.Rows) {
	out := b.last()
	if b.typ.Write == nil {
		out.Bridge = func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
			var lines []string
			for _, row := range gone(file, file.Rows(installed.Bytes), rows) {
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
		more := gone(file, was, rows)
		if len(more) == 0 {
			return nil
		}
		return func(w io.WriteSeeker) error { return typ.Write(w, mapfile.Joined(rows, more)) }
	}
}

// gone returns the rows of an installed table that its bridge has beside the new ones. Of
// the virtual addresses these are the rows of domains that have no new row: a new row may
// lead to another domain, where an old row would be neither of the two sets.
func gone(file mta.File, was, rows mapfile.Rows) mapfile.Pairs {
	missing := mapfile.Missing(was, rows)
	if file.Role != mta.Addresses || len(missing) == 0 {
		return missing
	}
	domain := func(key string) string { return key[strings.LastIndexByte(key, '@')+1:] }
	stay := map[string]bool{}
	for key := range mapfile.All(rows) {
		stay[domain(string(key))] = true
	}
	return slices.DeleteFunc(missing, func(row [2]string) bool { return stay[domain(row[0])] })
}

// bridgeLines returns the bridge of a file with lines: its text, and after it those
// lines of the installed file that the text does not have.
func bridgeLines(file mta.File, text []byte) func(installed *mmap.Image, ofText []byte) func(io.WriteSeeker) error {
	return func(installed *mmap.Image, _ []byte) func(io.WriteSeeker) error {
		if file.Join == nil {
			return withLines(text, missing(file.Lines(installed.Bytes), file.Lines(text)))
		}
		joined := file.Join(text, installed.Bytes) // installed is closed when the bridge is written
		return func(w io.WriteSeeker) error {
			_, err := w.Write(joined)
			return err
		}
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
