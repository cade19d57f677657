package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// maxDrift is the largest number of rows that are named for one file.
const maxDrift = 20

// Drift returns a line for each contradiction between the installed files of a folder:
// a map that is older than its text, or that has other rows. The server uses the map.
func Drift(server *mta.Server, dir string) ([]string, error) {
	named, err := server.MapTypeOf(dir)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, file := range server.Files {
		if file.Rows == nil {
			continue
		}
		text := filepath.Join(dir, file.Name)
		image, err := regular.Read(text, regular.NoLimit)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		var rows mapfile.Rows // nil: there are no rows to compare a map with
		if err == nil {
			if damage := DamagedText(image); damage != nil {
				all = append(all, fmt.Sprintf("%s is damaged: %v", text, damage))
			} else {
				rows = file.Rows(image)
			}
		}
		for _, typ := range mapfile.Named(server.Maps) {
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

// driftOf compares a map with the rows of its text. nil rows are not known.
func driftOf(text, path string, rows mapfile.Rows) (lines []string, err error) {
	image, err := mmap.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	sum, err := soundMap(image)
	if err != nil {
		return []string{fmt.Sprintf("%s is damaged: %v", path, err)}, nil
	}
	if rows == nil {
		return nil, nil
	}
	if warning := Ages(text, path); warning != "" {
		lines = append(lines, warning)
	}
	if sum == mapfile.SumOf(rows) && eachOnce(rows) {
		return lines, nil
	}
	err = mmap.Guard(func() error {
		lines = append(lines, differing(text, path, rows, image.Bytes)...)
		return nil
	})
	return lines, err
}

// Ages returns what is wrong with the times of a map and its text: the map is older, or
// the text is missing. It is empty if nothing is wrong.
func Ages(text, path string) string {
	source, err := os.Stat(text)
	if err != nil {
		return fmt.Sprintf("%s has no text beside it", path)
	}
	if m, err := os.Stat(path); err == nil && m.ModTime().Before(source.ModTime()) {
		return fmt.Sprintf("%s is older than %s: what the text says may not be what the server does", path, text)
	}
	return ""
}

// eachOnce reports whether each key occurs once in the rows of a text. A look-up
// returns the first row of a key, even if the map has two. virtuser.Parse leaves no
// second row.
func eachOnce(rows mapfile.Rows) bool {
	aliases, ok := rows.(mapfile.Pairs)
	seen := make(map[string]bool, len(aliases))
	for _, row := range aliases {
		seen[row[0]] = true
	}
	return !ok || len(seen) == len(aliases)
}

// differing returns a line for each difference between a map and its text.
func differing(text, path string, rows mapfile.Rows, image []byte) (lines []string) {
	m, _, err := mapfile.OpenImage(image)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	have := make(map[string]bool, rows.Len())
	for i := range rows.Len() {
		key, value := rows.Row(i)
		have[string(key)] = true
		found, ok, err := m.Get(key)
		switch {
		case err != nil:
			return []string{fmt.Sprintf("%s: %v", path, err)}
		case !ok:
			lines = append(lines, fmt.Sprintf("%s has %s, and its map has no such row", text, mapfile.Line(key, value)))
		case !bytes.Equal(found, value):
			lines = append(lines, fmt.Sprintf("%s has %s, and its map %s", text, mapfile.Line(key, value), mapfile.Line(key, found)))
		}
	}
	for row, err := range m.All() {
		if err != nil {
			return []string{fmt.Sprintf("%s: %v", path, err)}
		}
		if !have[string(row[0])] {
			lines = append(lines, fmt.Sprintf("%s has %s, and the text has no such row", path, mapfile.Line(row[0], row[1])))
		}
	}
	if len(lines) > maxDrift {
		lines = append(lines[:maxDrift], fmt.Sprintf("%s: and %d rows more", path, len(lines)-maxDrift))
	}
	return lines
}
