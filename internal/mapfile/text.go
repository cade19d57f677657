package mapfile

import (
	"bytes"
	"fmt"
	"iter"

	"virtmap/internal/mmap"
)

// A textMap reads lines of key, white space and value; # in the first column
// begins a comment.
type textMap []byte

// Get looks at every line, as sendmail's text map does.
func (m textMap) Get(key []byte) (value []byte, ok bool, err error) {
	for row := range m.All() {
		if bytes.Equal(row[0], key) {
			return row[1], true, nil
		}
	}
	return nil, false, nil
}

// All gives every line that is a row.
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
