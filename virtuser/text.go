package virtuser

import (
	"bytes"
	"hash/maphash"
	"math"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/parallel"
)

// Parse reads a virtusertable as makemap does. It reports each line that makemap would
// refuse, or for which sendmail would answer with an error. The other rows are in the
// table, in the order of the text, with keys in lower case.
func Parse(src *diag.Source, faults *diag.List) *Table {
	t := &Table{}
	if uint64(len(src.Text)) > math.MaxUint32 {
		faults.Add(checkLine.At(src.Pos(0), 1, "the text passes 4 GiB"))
		return t
	}
	t.text = make([]byte, len(src.Text))
	const least = 1 << 20 // bytes for which another processor pays
	parts := make([]parsed, parallel.Parts(len(src.Text), least))
	_ = parallel.Ranges(len(src.Text), least, func(part, from, to int) error {
		p := &parts[part]
		p.text = t.text
		begin, end := lineAt(src.Text, from), lineAt(src.Text, to)
		copy(t.text[begin:end], src.Text[begin:end])
		p.rows = make([]row, 0, (to-from)/averageLine)
		for start := begin; start < end; {
			line := src.Text[start:]
			if length := strings.IndexByte(line, '\n'); length >= 0 {
				line = line[:length]
			}
			p.parseLine(src, start, line, &p.faults)
			start += len(line) + 1
		}
		return nil
	})
	for i := range parts {
		if i == 0 {
			t.rows = parts[i].rows
		} else {
			t.rows = append(t.rows, parts[i].rows...)
		}
		faults.Join(&parts[i].faults)
	}
	t.reportTwice(faults)
	return t
}

// averageLine is an estimate of the length of a line.
const averageLine = 40

// A parsed is the result for a part of a text.
type parsed struct {
	Table
	faults diag.List
}

// lineAt returns the offset of the first line that begins at offset or later.
func lineAt(text string, offset int) int {
	if offset == 0 {
		return 0
	}
	if next := strings.IndexByte(text[offset-1:], '\n'); next >= 0 {
		return offset + next
	}
	return len(text)
}

func (t *Table) parseLine(src *diag.Source, start int, line string, faults *diag.List) {
	if line == "" || line[0] == '#' {
		return
	}
	key := line
	if end := strings.IndexByte(key, '\t'); end >= 0 {
		key = key[:end]
	}
	if end := strings.IndexByte(key, ' '); end >= 0 {
		key = key[:end]
	}
	right := strings.TrimLeft(line[len(key):], " \t")
	at := func(offset int) diag.Pos { return src.Pos(start + offset) }
	switch {
	case key == "":
		faults.Add(checkLine.At(at(0), 1, "a row begins with a blank").
			WithHelp("begin with the key; makemap takes no continuation lines"))
	case len(line) > MaxLine:
		faults.Add(checkLine.At(at(MaxLine), 1, "the line has %d characters; makemap reads %d and takes the rest for another row", len(line), MaxLine).
			WithHelp("several recipients need an alias"))
	case right == "":
		faults.Add(checkLine.At(at(0), len(key), "%q has no right side", key).
			WithHelp("write the user behind it, after a tab"))
	case !strings.Contains(key, "@"):
		faults.Add(checkLine.At(at(0), len(key), "%q has no @ and can never match", key).
			WithHelp("write user@domain or @domain"))
	case len(key) > MaxKey:
		faults.Add(checkLine.At(at(0), len(key), "the key has %d characters; sendmail looks up %d", len(key), MaxKey))
	default:
		if text, help := badRightSide(right); text != "" {
			faults.Add(checkRightSide.At(at(len(line)-len(right)), len(right), "%q %s", right, text).WithHelp("%s", help))
		}
		t.rows = append(t.rows, row{
			start: uint32(start), pos: at(0), key: uint16(len(key)),
			gap: uint16(len(line) - len(right) - len(key)), value: uint16(len(right)),
		})
		copy(t.text[start:], mailaddr.Lower(key))
	}
}

// quotedError is the form of an error: row whose text reaches the sender unchanged.
// unquotedError is another form that sendmail accepts.
var (
	quotedError   = regexp.MustCompile(`^error:([45])\.\d{1,3}\.\d{1,3}:"([45])\d\d [^"\\]+"$`)
	unquotedError = regexp.MustCompile(`^error:(?:[45]\.\d+\.\d+:|[a-z]+ )[45]\d\d \S.*$`)
)

// badRightSide says what is wrong with a right side, and what to write instead.
func badRightSide(right string) (text, help string) {
	quoted := `write error:5.1.1:"550 text", with quotes around code and text`
	switch {
	case len(right) >= len("error:") && strings.EqualFold(right[:len("error:")], "error:"):
		if m := quotedError.FindStringSubmatch(right); m != nil {
			if m[1] != m[2] {
				return "has a status and a reply code of different classes", "5.x.x goes with 5yz, 4.x.x with 4yz"
			}
			return "", ""
		}
		if !unquotedError.MatchString(right) {
			return "is badly formed: sendmail answers 553 5.3.0 instead", quoted
		}
		if strings.ContainsAny(right, `()"<>[]\`) {
			return "loses a part of its text: unquoted, brackets and quotes have a meaning", quoted
		}
		return "", ""
	case strings.HasSuffix(right, " ") || strings.HasSuffix(right, "\t") || strings.HasSuffix(right, "\r"):
		return "ends in white space, which makemap keeps as a part of it", "take it out"
	case strings.ContainsAny(right, ", \t"):
		return "is more than one recipient: sendmail answers 553 5.1.3 (Invalid route address)", "name an alias with these recipients; a # begins no comment here"
	case right[0] == '/' || right[0] == '|' || right[0] == ':':
		return "is a file or a program: sendmail answers 550 5.7.1", "name an alias that leads there"
	}
	return "", ""
}

// reportTwice reports keys that are there twice. It uses tables of row numbers by hash,
// because sorting a million keys takes five times as long. Each processor takes a part
// of the hashes.
func (t *Table) reportTwice(faults *diag.List) {
	const least = 10_000 // rows for which another processor pays
	hashes := make([]uint32, len(t.rows))
	seed := maphash.MakeSeed()
	_ = parallel.Ranges(len(t.rows), least, func(_, from, to int) error {
		for i := from; i < to; i++ {
			key, _ := t.Row(i)
			hashes[i] = uint32(maphash.Bytes(seed, key) >> 32)
		}
		return nil
	})
	parts := parallel.Parts(len(t.rows), least)
	twice := make([][][2]int, parts)
	_ = parallel.Ranges(parts, 1, func(_, from, to int) error {
		for p := from; p < to; p++ {
			twice[p] = t.twice(hashes, uint32(p), uint32(parts))
		}
		return nil
	})
	t.dropSecond(slices.Concat(twice...), faults)
}

// twice returns each row whose key is also in an earlier row, together with the first
// row that has the key. It looks only at hashes with h%parts == rest.
func (t *Table) twice(hashes []uint32, rest, parts uint32) (pairs [][2]int) {
	size := 16
	for size < 2*len(hashes)/int(parts) {
		size *= 2
	}
	slots := make([]uint32, size) // 1 + row; 0: empty
	for i, h := range hashes {
		if h%parts != rest {
			continue
		}
		slot := int(h/parts) & (size - 1)
		for ; slots[slot] != 0; slot = (slot + 1) & (size - 1) {
			first := int(slots[slot] - 1)
			if hashes[first] == h && bytes.Equal(t.key(i), t.key(first)) {
				pairs = append(pairs, [2]int{i, first})
				break
			}
		}
		if slots[slot] == 0 {
			slots[slot] = uint32(i + 1)
		}
	}
	return pairs
}

// dropSecond reports each row whose key is also in an earlier row, and removes it.
func (t *Table) dropSecond(pairs [][2]int, faults *diag.List) {
	if len(pairs) == 0 {
		return
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return a[0] - b[0] })
	kept := t.rows[:0:0]
	from := 0
	for _, p := range pairs {
		key := t.key(p[0])
		faults.Add(checkRowTwice.At(t.Pos(p[0]), len(key), "%q stands here a second time; makemap keeps the first", key).
			Second(t.Pos(p[1]), "first given here").WithHelp("take one of the two out"))
		kept, from = append(kept, t.rows[from:p[0]]...), p[0]+1
	}
	t.rows = append(kept, t.rows[from:]...)
}

func (t *Table) key(i int) []byte {
	r := &t.rows[i]
	return t.text[r.start : r.start+uint32(r.key)]
}
