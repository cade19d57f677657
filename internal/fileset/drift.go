package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"virtmap/internal/mapfile"
	"virtmap/internal/mapped"
	"virtmap/internal/mcfile"
)

// maxDrift is how many rows of a file are named.
const maxDrift = 20

// Drift says where the installed files of a folder contradict each other: a map
// that is older than its text, or whose rows differ from it. sendmail does what
// the map says.
func Drift(dir string) ([]string, error) {
	var all []string
	for _, table := range []struct {
		name string
		rows func([]byte) mapfile.Rows
	}{{mcfile.Virtusertable, virtuserTextRows}, {mcfile.Aliases, aliasTextRows}} {
		text := filepath.Join(dir, table.name)
		image, err := os.ReadFile(text)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		var rows mapfile.Rows // nil: there is nothing to compare a map with
		if err == nil {
			if damage := DamagedText(image); damage != nil {
				all = append(all, fmt.Sprintf("%s is damaged: %v", text, damage))
			} else {
				rows = table.rows(image)
			}
		}
		named := installedType(filepath.Join(dir, mcfile.Include))
		for _, typ := range mapfile.Types {
			if typ.Suffix == "" || named != "" && typ.Name != named {
				continue
			}
			lines, err := driftOf(text, text+typ.Suffix, rows)
			if err != nil {
				return nil, err
			}
			all = append(all, lines...)
		}
	}
	return all, nil
}

// driftOf compares a map with the rows of its text, where those are known.
func driftOf(text, path string, rows mapfile.Rows) ([]string, error) {
	image, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := damagedMap(mapped.Of(image)); err != nil {
		return []string{fmt.Sprintf("%s is damaged: %v", path, err)}, nil
	}
	if rows == nil {
		return nil, nil
	}
	var lines []string
	set := Installed{at: func(path string) string { return path }}
	set.compareAges(text, path)
	lines = append(lines, set.Warnings...)
	m, _, err := mapfile.OpenImage(image)
	if err != nil {
		return append(lines, fmt.Sprintf("%s: %v", path, err)), nil
	}
	have := make(map[string]bool, rows.Len())
	var differing []string
	for i := range rows.Len() {
		key, value := rows.Row(i)
		have[string(key)] = true
		found, ok, err := m.Get(key)
		switch {
		case err != nil:
			return append(lines, fmt.Sprintf("%s: %v", path, err)), nil
		case !ok:
			differing = append(differing, fmt.Sprintf("%s has %s, and its map has no such row", text, asLine(key, value)))
		case !bytes.Equal(found, value):
			differing = append(differing, fmt.Sprintf("%s has %s, and its map %s", text, asLine(key, value), asLine(key, found)))
		}
	}
	for row, err := range m.All() {
		if err != nil {
			return append(lines, fmt.Sprintf("%s: %v", path, err)), nil
		}
		if !have[string(row[0])] {
			differing = append(differing, fmt.Sprintf("%s has %s, and the text has no such row", path, asLine(row[0], row[1])))
		}
	}
	if len(differing) > maxDrift {
		differing = append(differing[:maxDrift], fmt.Sprintf("%s: and %d rows more", path, len(differing)-maxDrift))
	}
	return append(lines, differing...), nil
}
