package mapfile

import (
	"bytes"
	"fmt"
	"iter"

	"virtmap/internal/mmap"
)

// A textMap is a text in memory: lines of key, white space and value. A line
// with # in the first column is a comment.
type textMap []byte

// Get reads line by line until it finds the key, as sendmail's text map does.
func (m textMap) Get(key []byte) (value []byte, ok bool, err error) {
	for row := range m.All() {
		if bytes.Equal(row[0], key) {
			return row[1], true, nil
		}
	}
	return nil, false, nil
}

// All yields every line that is a row.
func (m textMap) All() iter.Seq2[[2][]byte, error] {
	return func(yield func([2][]byte, error) bool) {
		for line := range bytes.Lines(m) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			end := bytes.IndexAny(line, " \t")
			if end <= 0 || line[0] == '#' {
				continue
			}
			if !yield([2][]byte{line[:end], bytes.TrimLeft(line[end:], " \t")}, nil) {
				return
			}
		}
	}
}

// checkText refuses a line that virtmap would not write, and a key that is given
// twice.
func checkText(image *mmap.Image) (rows Sum, err error) {
	seen := map[string]int{}
	number := 0
	for line := range bytes.Lines(image.Bytes) {
		number++
		line = bytes.TrimSuffix(line, []byte("\n"))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, value, _ := bytes.Cut(line, []byte("\t"))
		if first := seen[string(key)]; first > 0 {
			return Sum{}, fmt.Errorf("line %d: key %q stands in line %d too", number, key, first)
		}
		if len(key) == 0 || len(value) == 0 || bytes.IndexByte(value, '\t') >= 0 || bytes.IndexByte(key, ' ') >= 0 {
			return Sum{}, fmt.Errorf("line %d is not a key, one tab and a value", number)
		}
		seen[string(key)] = number
		rows.Add(key, value)
	}
	return rows, nil
}
