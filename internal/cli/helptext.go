package cli

import (
	"strings"
	"unicode/utf8"
)

const (
	helpIndent    = 3
	commandColumn = 17  // where the texts of commands begin
	optionColumn  = 26  // where the texts of options begin
	widestHelp    = 100 // longer lines are hard to read
	leastText     = 30  // the least width of a text beside its term
)

// A helpText is the help of a command while it is written. Lines are wrapped at blanks to
// a width.
type helpText struct {
	out   strings.Builder
	width int
}

func (h *helpText) line(indent int, text string) {
	h.out.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+text, " ") + "\n")
}

func (h *helpText) heading(title string) {
	if h.out.Len() > 0 {
		h.line(0, "")
	}
	h.line(0, title+":")
}

// text writes paragraphs, which an empty line separates. A line that begins with two
// blanks is not wrapped.
func (h *helpText) text(text string) {
	var paragraph []string
	end := func() {
		for _, line := range wrapped(strings.Join(paragraph, " "), h.width-helpIndent) {
			h.line(helpIndent, line)
		}
		paragraph = nil
	}
	for line := range strings.Lines(text) {
		switch line = strings.TrimRight(line, " \n"); {
		case line == "", strings.HasPrefix(line, "  "):
			end()
			h.line(helpIndent, line)
		default:
			paragraph = append(paragraph, line)
		}
	}
	end()
}

// item writes a term, and its text from a column on. A term without room there, and
// every term of a narrow terminal, has a line of its own.
func (h *helpText) item(indent, column int, term, text string) {
	if h.width-column < leastText {
		column = 2 * helpIndent
	}
	room := column - indent - utf8.RuneCountInString(term)
	lines := wrapped(text, h.width-column)
	if room < 2 || len(lines) == 0 {
		h.line(indent, term)
	} else {
		h.line(indent, term+strings.Repeat(" ", room)+lines[0])
		lines = lines[1:]
	}
	for _, line := range lines {
		h.line(column, line)
	}
}

// wrapped returns the words of a text in lines of at most a width. A longer word has a
// line of its own.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line+" "+word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
