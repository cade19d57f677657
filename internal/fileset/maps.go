package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/publish"
)

// Map returns the output of the map of a text. The written map is read back and
// compared with rows. owner is as for Outputs.
func Map(source string, typ mapfile.Type, rows mapfile.Rows, owner int) publish.Output {
	sum := sync.OnceValue(func() mapfile.Sum { return mapfile.SumOf(rows) })
	same := func(image *mmap.Image) error { return sameRows(image, typ, rows, sum()) }
	return publish.Output{
		Path: source + typ.Suffix, Mode: mapMode, UID: owner, Source: source,
		Write:   func(w io.WriteSeeker) error { return typ.Write(w, rows) },
		Damaged: damagedMap,
		Check:   same,
		Same:    func(image *mmap.Image) bool { return same(image) == nil },
		Lost:    func(image *mmap.Image) []string { return missing(mapLines(image.Bytes), mapfile.Lines(rows)) },
	}
}

// sameRows reads a map strictly and compares it with rows.
func sameRows(image *mmap.Image, want mapfile.Type, rows mapfile.Rows, sum mapfile.Sum) error {
	typ, found, err := mapfile.CheckImage(image)
	switch {
	case err != nil:
		return err
	case typ.Name != want.Name:
		return fmt.Errorf("it is %s, not %s", typ.Name, want.Name)
	case found == sum:
		return nil
	case found.Len() != rows.Len():
		return fmt.Errorf("it has %d rows, not %d", found.Len(), rows.Len())
	}
	m, _, err := mapfile.OpenImage(image.Bytes)
	if err != nil {
		return err
	}
	return firstDifference(m, rows)
}

// firstDifference returns an error that names a row which a map does not have, or has
// with another value.
func firstDifference(m mapfile.Map, rows mapfile.Rows) error {
	for i := range rows.Len() {
		key, value := rows.Row(i)
		found, ok, err := m.Get(key)
		if err != nil {
			return err
		}
		if !ok || !bytes.Equal(found, value) {
			return fmt.Errorf("%q leads to %q, not to %q", key, found, value)
		}
	}
	return errors.New("it has other rows, under keys of which one stands twice")
}

// mapLines returns the rows of a map as lines, up to the first damage.
func mapLines(image []byte) []string {
	m, _, err := mapfile.OpenImage(image)
	if err != nil {
		return []string{"(" + err.Error() + ")"}
	}
	var lines []string
	for row, err := range m.All() {
		if err != nil {
			return append(lines, "("+err.Error()+")")
		}
		lines = append(lines, mapfile.Line(row[0], row[1]))
	}
	return lines
}
