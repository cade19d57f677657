package inventory

import (
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"virtmap/internal/diag"
)

var yamlErrorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?s:(.*))$`)

// syntaxFault makes a fault of an error of yaml.v3. The line of the library may be the
// line before the mistake, or missing. The help comes from this line and its
// neighbours.
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
	if guilty := guiltyLine(src); guilty > 0 {
		line = guilty
	}
	for _, candidate := range []int{line, line + 1, line - 1} {
		if at, size, help := explainLine(src.Line(candidate), message); help != "" && candidate > 0 {
			pos := src.Pos(src.LineStart(candidate) + at)
			r.fault(checkSyntax.At(pos, size, "this is not YAML: %s", message).WithHelp("%s", help))
			return
		}
	}
	at := indentation(src.Line(line))
	help := generalHelp(message)
	if before := lineBefore(src, line); before > 0 && indentation(src.Line(before)) != at {
		help = fmt.Sprintf("this line is indented by %d and line %d by %d: lines that belong together are indented alike", at, before, indentation(src.Line(before)))
	}
	r.fault(checkSyntax.At(src.Pos(src.LineStart(line)+at), max(1, len(src.Line(line))-at), "this is not YAML: %s", message).
		WithHelp("%s", help))
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// lineBefore returns the last line before another one that is neither blank nor a
// comment.
func lineBefore(src *diag.Source, line int) int {
	for line--; line > 0; line-- {
		if text := strings.TrimSpace(src.Line(line)); text != "" && text[0] != '#' {
			return line
		}
	}
	return 0
}

// Limits of the search for the line of an error: the bytes that are read again, and the
// number of lines for which a bracket may stay open.
const (
	maxSearched = 16 << 20
	maxOpen     = 40
)

// guiltyLine returns the line of a syntax error: the line after the longest beginning
// of the text that is valid YAML. The library often names the line where the block
// began. The result is 0 if the search would take too long.
func guiltyLine(src *diag.Source) int {
	total := strings.Count(src.Text, "\n") + 1
	budget := maxSearched
	reads := func(lines int) bool {
		beginning := src.Text[:src.LineStart(lines+1)]
		if budget -= len(beginning); budget < 0 {
			return false
		}
		var doc yaml.Node
		err := decode(yaml.NewDecoder(strings.NewReader(beginning)), &doc)
		return err == nil || err == io.EOF
	}
	good := 0
	for found := true; found; {
		good += sort.Search(total-good, func(n int) bool { return !reads(good + n + 1) })
		found = false
		// With an open bracket, shorter beginnings fail too.
		for n := good + 2; n <= min(good+maxOpen, total) && !found; n++ {
			if found = reads(n); found {
				good = n
			}
		}
	}
	if budget < 0 {
		return 0
	}
	return min(good+1, total)
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
	everyAddress  = regexp.MustCompile(`^\s*([*@])\s*:`)
	specialStart  = regexp.MustCompile(`^\s*(?:[^\s#'"][^#'"]*?:\s+|-\s+)?([%@*` + "`" + `&!|>])`)
	specialInList = regexp.MustCompile(`[\[,{:]\s*([%@*` + "`" + `])`)
	secondColon   = regexp.MustCompile(`^\s*[^\s#'"{\[]+:\s+[^'"#{\[]*?(:)(?:\s|$)`)
	flowColon     = regexp.MustCompile(`[{,]\s*[^\s{}:,'"]+:\s+[^{}\[\]'",]*?(:)\s`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)'`)
	openSingle    = regexp.MustCompile(`[:{\[,-]\s+(')`)
	noBlank       = regexp.MustCompile(`^\s*[A-Za-z0-9_.+*-]+(:)[^\s:/]\S*\s*$`)
)

// maxExplained is the length in bytes of the longest line that is searched for
// mistakes.
const maxExplained = 64 << 10

// explainLine looks for common mistakes in one line. It returns the position in the
// line, the number of bytes, and the text to write. help is empty if it finds no
// mistake.
func explainLine(line, message string) (at, size int, help string) {
	if len(line) > maxExplained {
		return 0, 1, fmt.Sprintf("this line has %d characters; is this the right file?", len(line))
	}
	if tab := strings.IndexByte(line, '\t'); tab >= 0 && strings.TrimLeft(line[:tab], " ") == "" {
		return tab, 1, "a tab cannot indent YAML; write blanks"
	}
	if m := everyAddress.FindStringSubmatchIndex(line); m != nil {
		return m[2], 1, "for every address write catch_all: with a target, beside addresses"
	}
	// An anchor, a tag or a block text is no mistake if only the indentation is wrong.
	if m := specialStart.FindStringSubmatchIndex(line); m != nil && (strings.Contains("%@`", line[m[2]:m[3]]) || !strings.Contains(message, "expected key")) {
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
	if strings.Contains(line, ",,") {
		return strings.Index(line, ",,"), 2, "two commas without anything between them"
	}
	if at := strings.Index(line, " #"); at >= 0 && strings.Count(line[:at], "{")+strings.Count(line[:at], "[") > strings.Count(line[:at], "}")+strings.Count(line[:at], "]") {
		return at + 1, 1, "\" #\" begins a comment; put quotes around the text"
	}
	if m := openSingle.FindStringSubmatchIndex(line); m != nil && strings.Count(line, "'")%2 == 1 {
		return m[2], 1, "inside '…' a quote is written ''; or put the text into double quotes"
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
