package inventory

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// checkTextOf reports characters that yaml.v3 would misread or accept. It takes U+0085
// and U+2028 for line ends, drops a byte order mark, and accepts most control
// characters. One fault of each kind is reported, which is enough to correct a file.
func (r *reader) checkTextOf(src *diag.Source) bool {
	before := r.faults.Count(diag.Error)
	text := src.Text
	if strings.HasPrefix(text, "\ufeff") {
		r.fault(checkText.At(src.Pos(0), 3, "the file begins with a byte order mark").
			WithHelp("save it as UTF-8 without BOM: sed -i '1s/^\\xef\\xbb\\xbf//' %s", diag.Printable(src.Name)))
		text = strings.Replace(text, "\ufeff", "   ", 1)
	}
	if at := strings.IndexByte(text, '\r'); at >= 0 {
		r.fault(checkText.At(src.Pos(at), 1, "a line ends in CR").
			WithHelp("save the file with LF line ends: sed -i 's/\\r$//' %s", diag.Printable(src.Name)))
	}
	if at := invalidUTF8(text); at >= 0 {
		r.fault(checkText.At(src.Pos(at), 1, "byte 0x%02x is not UTF-8", text[at]).
			WithHelp("save the file as UTF-8; from Latin-1: iconv -f latin1 -t utf8"))
	}
	if m := findOddBlank(text); m != nil {
		r.fault(checkText.At(src.Pos(m[0]), m[1]-m[0], "a no-break space (U+00A0) stands where a blank should").
			WithHelp("write an ordinary blank"))
	}
	if at := indexForbidden(text); at >= 0 {
		c, _ := utf8.DecodeRuneInString(text[at:])
		r.fault(checkText.At(src.Pos(at), 1, "%U is a control character or an odd line end", c).
			WithHelp("take it out"))
	}
	return r.faults.Count(diag.Error) == before
}

var oddBlank = regexp.MustCompile(`(?m)(?:^ *|[:-] *)\x{a0}`)

// findOddBlank finds a no-break space that looks like indentation, or like the blank
// after a colon or a dash.
func findOddBlank(text string) []int {
	if !strings.Contains(text, "\u00a0") {
		return nil // nearly all texts; the expression is slow on megabytes
	}
	return oddBlank.FindStringIndex(text)
}

func invalidUTF8(text string) int {
	if utf8.ValidString(text) {
		return -1
	}
	for at := 0; ; {
		c, size := utf8.DecodeRuneInString(text[at:])
		if c == utf8.RuneError && size <= 1 {
			return at
		}
		at += size
	}
}

// indexForbidden returns the index of the first character for which forbiddenInSource
// is true. Nearly all bytes of an inventory are printable ASCII.
func indexForbidden(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c >= ' ' && c < 0x7f || c == '\n' {
			continue
		}
		c, size := utf8.DecodeRuneInString(text[i:])
		if forbiddenInSource(c) {
			return i
		}
		i += size - 1
	}
	return -1
}

func forbiddenInSource(c rune) bool {
	switch c {
	case '\t', '\n', '\r':
		return false
	case '\u0085', '\u2028', '\u2029', '\ufeff':
		return true
	}
	return c < ' ' || c == 0x7f || 0x80 <= c && c < 0xa0
}

// document returns the root node of the only YAML document of a source. ok is false
// after a fault. An empty document is no fault.
func (r *reader) document(src *diag.Source) (value, bool) {
	if !r.checkTextOf(src) {
		return value{}, false
	}
	if root, ok := r.decodePlainly(src); ok {
		return value{node: root, src: src}, true
	}
	decoder := yaml.NewDecoder(strings.NewReader(src.Text))
	var doc yaml.Node
	switch err := decode(decoder, &doc); {
	case err == io.EOF:
		return value{src: src}, true
	case err != nil:
		r.syntaxFault(src, err)
		return value{}, false
	}
	var second yaml.Node
	switch err := decode(decoder, &second); {
	case err == io.EOF:
	case err != nil:
		r.syntaxFault(src, err)
		return value{}, false
	default:
		r.secondDocument(src, &second)
		return value{}, false
	}
	if len(doc.Content) != 1 {
		return value{src: src}, true
	}
	return value{node: doc.Content[0], src: src}, true
}

func (r *reader) secondDocument(src *diag.Source, doc *yaml.Node) {
	at := src.Offset(doc.Line, doc.Column)
	if marker := strings.LastIndex(src.Text[:min(at+3, len(src.Text))], "---"); marker >= 0 {
		at = marker
	}
	r.fault(checkUnsupported.At(src.Pos(at), 3, "a second YAML document begins here").
		WithHelp("an inventory is one document: take the line --- out, or put what follows into a file under include:"))
}

// decode decodes a document, and returns a panic of the parser as an error. yaml.v3
// indexes past its buffers on a few malformed texts.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the YAML reader gave up: %v", failure)
		}
	}()
	return d.Decode(into)
}
