package diag

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// A Pos is a place in one of the texts of a Sources. It is 1 + an offset, and the offset
// counts through all texts in order, with one byte between two texts. The zero Pos is no
// place.
type Pos uint32

// A Source is one text, with its name in reports.
type Source struct {
	Name string
	Text string

	base  Pos // the Pos of the first byte
	once  sync.Once
	lines []uint32 // the offset of the first byte of each line

	digesting sync.Once
	sum       string

	marking sync.Mutex
	wide    map[int][]uint32 // the marks of each long line, by line
}

// Pos returns the place of an offset. The offset may be len(Text), the end of the
// text.
func (s *Source) Pos(offset int) Pos { return s.base + Pos(offset) }

// LineStart returns the offset of the first byte of a line. The first line is 1. For
// a line past the end it returns the end of the text.
func (s *Source) LineStart(line int) int {
	s.once.Do(s.findLines)
	if line < 1 {
		return 0
	}
	if line > len(s.lines) {
		return len(s.Text)
	}
	return int(s.lines[line-1])
}

// Line returns the line without its line end.
func (s *Source) Line(line int) string {
	start := s.LineStart(line)
	text, _, _ := strings.Cut(s.Text[start:], "\n")
	return text
}

// Offset returns the offset of a column in a line. The first line is 1, and the first
// character of a line is column 1. The result is within the text.
func (s *Source) Offset(line, col int) int {
	at := s.LineStart(line)
	if col > stride {
		if marks := s.marks(line); len(marks) > 0 {
			n := min((col-1)/stride, len(marks)-1)
			at, col = int(marks[n]), col-n*stride
		}
	}
	for ; col > 1 && at < len(s.Text) && s.Text[at] != '\n'; col-- {
		_, size := utf8.DecodeRuneInString(s.Text[at:])
		at += size
	}
	return at
}

// A mark is the offset of a character in a long line; every stride-th character has
// one. An inventory in JSON may be one long line. With marks, the characters of the line
// are counted only once.
const (
	stride   = 256
	longLine = 4 * stride
)

// marks returns the marks of a long line, and none for a short line.
func (s *Source) marks(line int) []uint32 {
	start := s.LineStart(line)
	end := s.LineStart(line + 1)
	if end-start < longLine {
		return nil
	}
	s.marking.Lock()
	defer s.marking.Unlock()
	if marks, ok := s.wide[line]; ok {
		return marks
	}
	var marks []uint32
	n := 0
	for at := range s.Text[start:end] {
		if n%stride == 0 {
			marks = append(marks, uint32(start+at))
		}
		n++
	}
	if s.wide == nil {
		s.wide = map[int][]uint32{}
	}
	s.wide[line] = marks
	return marks
}

// column returns the column of an offset in a line.
func (s *Source) column(line, offset int) int {
	start, col := s.LineStart(line), 1
	if marks := s.marks(line); len(marks) > 0 {
		n := sort.Search(len(marks), func(i int) bool { return int(marks[i]) > offset }) - 1
		start, col = int(marks[n]), 1+n*stride
	}
	return col + utf8.RuneCountInString(s.Text[start:offset])
}

// findLines finds the offset of each line.
func (s *Source) findLines() {
	s.lines = append(make([]uint32, 0, 1+strings.Count(s.Text, "\n")), 0)
	for at := 0; ; {
		next := strings.IndexByte(s.Text[at:], '\n')
		if next < 0 {
			return
		}
		at += next + 1
		s.lines = append(s.lines, uint32(at))
	}
}

// Sources are the texts of one run, in order.
type Sources struct {
	all  []*Source
	next Pos
}

// Add adds a text. It fails when all texts together have more than 4 GiB.
func (s *Sources) Add(name, text string) (*Source, error) {
	if s.next == 0 {
		s.next = 1
	}
	end := uint64(s.next) + uint64(len(text)) + 1
	if end > math.MaxUint32 {
		return nil, fmt.Errorf("%s: all sources together pass 4 GiB", name)
	}
	src := &Source{Name: name, Text: text, base: s.next}
	s.all = append(s.all, src)
	s.next = Pos(end)
	return src, nil
}

// Len returns the length of all texts in bytes.
func (s *Sources) Len() (bytes int) {
	for _, src := range s.all {
		bytes += len(src.Text)
	}
	return bytes
}

// A Place is a Pos as file, line and column.
type Place struct {
	File      string // the path; Name is the form for printing
	Line, Col int    // from 1; Col in characters
	Source    *Source
	Offset    int // bytes from the start of the source
}

// Name returns the file for printing, in every format. The name of a hostile file
// must not control the terminal or the CI server that shows it.
func (p Place) Name() string { return Printable(p.File) }

// String returns file:line:col for printing.
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.Name(), p.Line, p.Col) }

// Place returns the place of a Pos, and false for no place.
func (s *Sources) Place(p Pos) (Place, bool) {
	i := sort.Search(len(s.all), func(i int) bool { return s.all[i].base > p }) - 1
	if p == 0 || i < 0 {
		return Place{}, false
	}
	src := s.all[i]
	src.once.Do(src.findLines)
	offset := min(int(p-src.base), len(src.Text))
	line := sort.Search(len(src.lines), func(i int) bool { return int(src.lines[i]) > offset })
	return Place{File: src.Name, Line: line, Col: src.column(line, offset), Source: src, Offset: offset}, true
}

// Span returns the number of bytes that a text has in its source, with its quotes. p is
// the place from which the text was read. The result is 1 if p is no place, or if the
// source has the text in another form.
func (s *Sources) Span(p Pos, text string) int {
	place, ok := s.Place(p)
	if !ok {
		return 1
	}
	switch rest := place.Source.Text[place.Offset:]; {
	case strings.HasPrefix(rest, text):
		return len(text)
	case strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'"):
		return len(text) + len(`""`)
	}
	return 1
}

// Each yields all texts.
func (s *Sources) Each() iter.Seq[*Source] { return slices.Values(s.all) }

// Names yields the names of all texts.
func (s *Sources) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, src := range s.all {
			if !yield(src.Name) {
				return
			}
		}
	}
}

// Digests yields the name and the SHA-256 of each text, in hexadecimal.
func (s *Sources) Digests() iter.Seq2[string, string] {
	return func(yield func(name, digest string) bool) {
		for _, src := range s.all {
			if !yield(src.Name, src.digest()) {
				return
			}
		}
	}
}

// Digest returns the SHA-256 of the text, in hexadecimal. If there are several texts,
// Digest returns the SHA-256 of their digests.
func (s *Sources) Digest() string {
	if len(s.all) == 1 {
		return s.all[0].digest()
	}
	sum := sha256.New()
	for _, digest := range s.Digests() {
		_, _ = io.WriteString(sum, digest) // a hash returns no error
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// digest returns the SHA-256 of the text. It is computed once.
func (s *Source) digest() string {
	s.digesting.Do(func() {
		sum := sha256.New()
		var piece [32 << 10]byte // in pieces: []byte(s.Text) would copy the whole text
		for rest := s.Text; rest != ""; {
			n := copy(piece[:], rest)
			sum.Write(piece[:n])
			rest = rest[n:]
		}
		s.sum = hex.EncodeToString(sum.Sum(nil))
	})
	return s.sum
}
