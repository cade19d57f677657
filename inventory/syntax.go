package inventory

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

// checkTextOf reports what yaml.v3 would misread or let through: it takes
// U+0085 and U+2028 for line ends, drops a byte order mark, and passes most
// control characters on. One fault of each kind is enough to mend a file.
func (r *reader) checkTextOf(src *diag.Source) bool {
	before := r.faults.Count(diag.Error)
	text := src.Text
	if strings.HasPrefix(text, "\ufeff") {
		r.fault(checkText.At(src.Pos(0), 3, "the file begins with a byte order mark").
			WithHelp("save it as UTF-8 without BOM: sed -i '1s/^\\xef\\xbb\\xbf//' %s", src.Name))
		text = strings.Replace(text, "\ufeff", "   ", 1)
	}
	if at := strings.IndexByte(text, '\r'); at >= 0 {
		r.fault(checkText.At(src.Pos(at), 1, "a line ends in CR").
			WithHelp("save the file with LF line ends: sed -i 's/\\r$//' %s", src.Name))
	}
	if at := invalidUTF8(text); at >= 0 {
		r.fault(checkText.At(src.Pos(at), 1, "byte 0x%02x is not UTF-8", text[at]).
			WithHelp("save the file as UTF-8; from Latin-1: iconv -f latin1 -t utf8"))
	}
	if at := strings.IndexFunc(text, forbiddenInSource); at >= 0 {
		c, _ := utf8.DecodeRuneInString(text[at:])
		r.fault(checkText.At(src.Pos(at), 1, "%U is a control character or an odd line end", c).
			WithHelp("take it out"))
	}
	return r.faults.Count(diag.Error) == before
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

func forbiddenInSource(c rune) bool {
	switch c {
	case '\t', '\n', '\r':
		return false
	case '\u0085', '\u2028', '\u2029', '\ufeff':
		return true
	}
	return c < ' ' || c == 0x7f || 0x80 <= c && c < 0xa0
}

// document gives the root node of the only YAML document of a source, or
// false when there is none to read. An empty document is no fault here.
func (r *reader) document(src *diag.Source) (value, bool) {
	if !r.checkTextOf(src) {
		return value{}, false
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

// decode is the decoder's with a panic of the parser turned into an error:
// yaml.v3 indexes past its buffers on a few malformed texts.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if failure := recover(); failure != nil {
			err = fmt.Errorf("the YAML reader gave up: %v", failure)
		}
	}()
	return d.Decode(into)
}

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntaxFault turns an error of yaml.v3 into a fault. The library gives a
// line, sometimes the one before the mistake, or none at all; the help comes
// from a look at that line and its neighbours.
func (r *reader) syntaxFault(src *diag.Source, err error) {
	message, line := err.Error(), 1
	if m := yamlErrorLine.FindStringSubmatch(message); m != nil {
		message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		if at := strings.Index(src.Text, "*"+m[1]); at >= 0 {
			r.fault(checkSyntax.At(src.Pos(at), len(m[1])+1, "this is not YAML: %s", message).WithHelp("%s", generalHelp(message)))
			return
		}
	}
	for _, candidate := range []int{line, line + 1, line - 1} {
		if at, size, help := explainLine(src.Line(candidate)); help != "" && candidate > 0 {
			pos := src.Pos(src.LineStart(candidate) + at)
			r.fault(checkSyntax.At(pos, size, "this is not YAML: %s", message).WithHelp("%s", help))
			return
		}
	}
	text := src.Line(line)
	at := len(text) - len(strings.TrimLeft(text, " "))
	r.fault(checkSyntax.At(src.Pos(src.LineStart(line)+at), max(1, len(text)-at), "this is not YAML: %s", message).
		WithHelp("%s", generalHelp(message)))
}

func generalHelp(message string) string {
	switch {
	case strings.Contains(message, "unknown anchor"):
		return "an alias *name needs an anchor &name before it; quote a text that begins with *"
	case strings.Contains(message, "max depth"):
		return "an inventory is never nested that deep"
	}
	return "look at the indentation and the quotes of this line and of the line before it"
}

var (
	specialStart  = regexp.MustCompile(`^\s*(?:[^\s#'"][^#'"]*?:\s+|-\s+)?([%@*` + "`" + `&!|>])`)
	specialInList = regexp.MustCompile(`[\[,{:]\s*([%@*` + "`" + `])`)
	secondColon   = regexp.MustCompile(`^\s*[^\s#'"{\[]+:\s+[^'"#{\[]*?(:)(?:\s|$)`)
	flowColon     = regexp.MustCompile(`[{,]\s*[^\s{}:,'"]+:\s+[^{}\[\]'",]*?(:)\s`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)'`)
	noBlank       = regexp.MustCompile(`^\s*[A-Za-z0-9_.+*-]+(:)[^\s:/]\S*\s*$`)
)

// maxExplained is the longest line that is looked at for mistakes, in bytes.
const maxExplained = 64 << 10

// explainLine looks for the mistakes people make in one line. It returns the
// place in the line, its size, and what to write; no help when nothing is
// found.
func explainLine(line string) (at, size int, help string) {
	if len(line) > maxExplained {
		return 0, 1, fmt.Sprintf("this line has %d characters; is this the right file?", len(line))
	}
	if tab := strings.IndexByte(line, '\t'); tab >= 0 && strings.TrimLeft(line[:tab], " ") == "" {
		return tab, 1, "a tab cannot indent YAML; write blanks"
	}
	if m := specialStart.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, fmt.Sprintf("a text that begins with %s needs quotes: %s", line[m[2]:m[3]], quoteRest(line[m[2]:]))
	}
	if m := specialInList.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, fmt.Sprintf("a text that begins with %s needs quotes", line[m[2]:m[3]])
	}
	if m := secondColon.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, "a text with \": \" in it needs quotes around it"
	}
	if m := flowColon.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, "a text with \": \" in it needs quotes around it"
	}
	if m := noBlank.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, "a colon needs a blank after it"
	}
	if n := strings.Count(line, `"`); n%2 == 1 {
		return strings.IndexByte(line, '"'), 1, `a quote " has no partner on this line`
	}
	if strings.Count(line, "[") != strings.Count(line, "]") {
		return max(0, strings.IndexAny(line, "[]")), 1, "[ and ] do not pair up on this line"
	}
	if strings.Count(line, "{") != strings.Count(line, "}") {
		return max(0, strings.IndexAny(line, "{}")), 1, "{ and } do not pair up on this line"
	}
	return 0, 0, ""
}

// quoteRest shows the text with the quotes it needs; a key keeps its colon
// outside.
func quoteRest(rest string) string {
	rest = strings.TrimSpace(rest)
	if key, after, ok := strings.Cut(rest, ":"); ok && (after == "" || after[0] == ' ') {
		return `"` + key + `":` + after
	}
	return `"` + rest + `"`
}
