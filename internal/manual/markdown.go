package manual

import (
	"fmt"
	"regexp"
	"strings"
)

// Markdown writes a page of documentation: headings, paragraphs, lists, tables, code
// between fences and code behind four blanks. The first heading is left out, because it is
// the title of the page. see returns what a manual page says in place of a link, from its
// target: such as virtmap-mx(7) for mx.md; empty: the text of the link is enough.
func (p *Page) Markdown(text string, see func(target string) string) {
	m := &markdown{Page: p, see: see}
	for l := range strings.Lines(text) {
		m.line(strings.TrimRight(l, "\n"))
	}
	m.end()
}

// A markdown is the state of a conversion.
type markdown struct {
	*Page
	see    func(string) string
	kind   byte     // of the open block: p a paragraph, - an item of a list, c code, f fenced code, t a table; 0: none
	mark   string   // of the open item
	lines  []string // of the open block
	titled bool
}

var (
	heading = regexp.MustCompile(`^(#{1,3}) (.*)$`)
	item    = regexp.MustCompile(`^(-|\d+\.) +(.*)$`)
)

func (m *markdown) line(l string) {
	fence := strings.HasPrefix(l, "```")
	h, i := heading.FindStringSubmatch(l), item.FindStringSubmatch(l)
	code, indented := strings.CutPrefix(l, "    ")
	switch {
	case m.kind == 'f' && fence:
		m.end()
	case m.kind == 'f':
		m.lines = append(m.lines, l)
	case fence:
		m.begin('f', "")
	case l == "" && m.kind == 'c':
		m.lines = append(m.lines, l)
	case l == "":
		m.end()
	case h != nil:
		m.end()
		m.title(len(h[1]), h[2])
	case indented && (m.kind == 0 || m.kind == 'c'):
		m.add('c', code)
	case strings.HasPrefix(l, "|"):
		m.add('t', l)
	case i != nil && m.kind != 'p':
		m.begin('-', i[1])
		m.lines = append(m.lines, i[2])
	case m.kind == 'p' || m.kind == '-':
		m.lines = append(m.lines, strings.TrimSpace(l))
	default:
		m.add('p', l)
	}
}

// begin ends the open block and begins another.
func (m *markdown) begin(kind byte, mark string) {
	m.end()
	m.kind, m.mark = kind, mark
}

// add adds a line to a block of a kind.
func (m *markdown) add(kind byte, l string) {
	if m.kind != kind {
		m.begin(kind, "")
	}
	m.lines = append(m.lines, l)
}

func (m *markdown) title(level int, text string) {
	switch {
	case level == 1 && !m.titled:
		m.Heading("description")
		m.titled = true
	case level < 3:
		m.Heading(plainText(text))
	default:
		m.Subheading(plainText(text))
	}
}

// end writes the open block.
func (m *markdown) end() {
	lines, kind := m.lines, m.kind
	m.lines, m.kind = nil, 0
	switch kind {
	case 'p':
		if text := m.inline(strings.Join(lines, " ")); text != "" {
			m.paragraph()
			m.out.WriteString(text + "\n")
		}
	case '-':
		m.headed = false
		mark := `\(bu`
		if m.mark != "-" {
			mark = m.mark
		}
		fmt.Fprintf(&m.out, ".IP %s 4\n%s\n", mark, m.inline(strings.Join(lines, " ")))
	case 'c', 'f':
		m.verbatim(lines)
	case 't':
		m.table(lines)
	}
}

// verbatim writes lines unchanged, indented.
func (m *markdown) verbatim(lines []string) {
	m.paragraph()
	m.out.WriteString(".RS 4\n.nf\n")
	for _, l := range strings.Split(strings.Trim(strings.Join(lines, "\n"), "\n"), "\n") {
		m.out.WriteString(line(strings.ReplaceAll(l, "\t", "        ")) + "\n")
	}
	m.out.WriteString(".fi\n.RE\n")
}

// table writes an item for each row: the first cell, and the others below it. With more
// than two columns, each cell has the head of its column before it.
func (m *markdown) table(lines []string) {
	var heads []string
	for n, l := range lines {
		cells := strings.Split(strings.Trim(strings.ReplaceAll(l, `\|`, "\x00"), "| "), "|")
		for i := range cells {
			cells[i] = strings.ReplaceAll(strings.TrimSpace(cells[i]), "\x00", "|")
		}
		switch {
		case n == 0:
			heads = cells
		case n > 1: // the second line has dashes alone
			m.headed = false
			fmt.Fprintf(&m.out, ".TP\n%s\n%s\n", m.inline(cells[0]), m.cells(heads, cells))
		}
	}
}

func (m *markdown) cells(heads, cells []string) string {
	var all []string
	for i := 1; i < len(cells); i++ {
		text := cells[i]
		if len(cells) > 2 && i < len(heads) && text != "" {
			text = heads[i] + ": " + text
		}
		all = append(all, m.inline(text))
	}
	return strings.Join(all, "\n.br\n")
}

// inlines matches code, bold text, and a link or a picture, as they stand in a text.
var inlines = regexp.MustCompile("``(.+?)``|`([^`]+)`|\\*\\*(.+?)\\*\\*|!?\\[([^\\]]*)\\]\\(([^)]*)\\)")

// inline returns a text with its code and bold text in bold, and without links and
// pictures.
func (m *markdown) inline(text string) string {
	var out strings.Builder
	at := 0
	for _, f := range inlines.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(escapes.Replace(text[at:f[0]]))
		at = f[1]
		part := func(i int) string {
			if f[2*i] < 0 {
				return ""
			}
			return text[f[2*i]:f[2*i+1]]
		}
		switch bold := part(1) + part(2) + plainText(part(3)); {
		case text[f[0]] == '!': // a terminal shows no picture
		case bold != "":
			out.WriteString(`\fB` + escapes.Replace(bold) + `\fR`)
		default:
			out.WriteString(escapes.Replace(linked(plainText(part(4)), m.see(part(5)))))
		}
	}
	out.WriteString(escapes.Replace(text[at:]))
	if t := out.String(); strings.HasPrefix(t, ".") || strings.HasPrefix(t, "'") {
		return `\&` + t
	}
	return out.String()
}

// linked returns the text of a link with the page that it leads to.
func linked(text, page string) string {
	switch {
	case page == "":
		return text
	case strings.HasSuffix(text, ".md"):
		return page
	}
	return text + " (" + page + ")"
}

// plainText returns a text without the marks of code and bold text.
func plainText(text string) string {
	return strings.NewReplacer("`", "", "**", "").Replace(text)
}
