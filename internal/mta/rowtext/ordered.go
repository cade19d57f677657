package rowtext

import (
	"bytes"

	"virtmap/inventory"
)

// parseOrdered reads a text as virtmap writes it: each row has a line, the key in lower case, a
// tab and the value, and the keys are in the order of inventory.CompareKeys. ok is false
// for another text. The rows are parts of the text.
func parseOrdered(text []byte) (r *Text, ok bool) {
	r = &Text{text: text, at: make([]rowAt, 0, bytes.Count(text, []byte{'\n'}))}
	var last []byte
	for start := 0; start < len(text); {
		end := bytes.IndexByte(text[start:], '\n')
		if end < 0 {
			return nil, false
		}
		line := text[start : start+end]
		if len(line) == 0 || line[0] == '#' {
			start += end + 1
			continue
		}
		cut := bytes.IndexByte(line, Separator)
		if cut <= 0 || !isKey(line[:cut]) || !isTrimmed(line[cut+1:]) || last != nil && inventory.CompareKeys(last, line[:cut]) >= 0 {
			return nil, false
		}
		last = line[:cut]
		r.at = append(r.at, rowAt{uint32(start), uint32(cut), uint32(end - cut - 1), 0})
		start += end + 1
	}
	return r, true
}

// isKey reports whether a key has no blanks, no capital letters and only ASCII.
func isKey(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || 'A' <= c && c <= 'Z' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isTrimmed reports whether a value has neither blanks around it nor white space other than
// blanks in it, nor anything beyond ASCII.
func isTrimmed(value []byte) bool {
	if len(value) == 0 || value[0] == ' ' || value[len(value)-1] == ' ' {
		return false
	}
	for _, c := range value {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}
