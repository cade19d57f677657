// Package manual writes manual pages with the man(7) macros. Its input is plain text,
// in which an empty line separates paragraphs. A line that begins with blanks or a tab
// is printed unchanged.
package manual

import (
	"bytes"
	"fmt"
	"strings"
)

// A Page is a manual page.
type Page struct {
	Name    string // such as virtmap
	Section int
	About   string // one line
	Version string

	out    bytes.Buffer
	headed bool // the last output was a heading
}

// Heading begins a section.
func (p *Page) Heading(title string) { p.head(".SH", strings.ToUpper(title)) }

// Subheading begins a part of a section.
func (p *Page) Subheading(title string) { p.head(".SS", title) }

func (p *Page) head(macro, title string) {
	fmt.Fprintf(&p.out, "%s %s\n", macro, quoted(title))
	p.headed = true
}

// paragraph begins a paragraph. A heading has already begun one.
func (p *Page) paragraph() {
	if !p.headed {
		p.out.WriteString(".PP\n")
	}
	p.headed = false
}

// Item writes a term and its meaning.
func (p *Page) Item(term, text string) {
	p.headed = false
	fmt.Fprintf(&p.out, ".TP\n.B %s\n%s\n", quoted(term), line(text))
}

// Text writes paragraphs.
func (p *Page) Text(text string) {
	begun, verbatim := false, false
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, " \n")
		indented := strings.HasPrefix(l, "  ") || strings.HasPrefix(l, "\t")
		switch {
		case l == "" && verbatim:
			p.out.WriteString("\n")
			continue
		case l == "":
			begun = false
			continue
		case indented && !verbatim:
			p.paragraph()
			p.out.WriteString(".nf\n")
		case !indented && verbatim:
			p.endVerbatim()
			p.paragraph()
		case !indented && !begun:
			p.paragraph()
		}
		begun, verbatim = true, indented
		p.out.WriteString(line(strings.ReplaceAll(l, "\t", "  ")) + "\n")
	}
	if verbatim {
		p.endVerbatim()
	}
}

// endVerbatim ends unchanged lines, and removes empty lines at the end.
func (p *Page) endVerbatim() {
	text := bytes.TrimRight(p.out.Bytes(), "\n")
	p.out.Truncate(len(text))
	p.out.WriteString("\n.fi\n")
}

// Bytes returns the page. The page has no date, so that the same program always gives
// the same page.
func (p *Page) Bytes() []byte {
	head := fmt.Sprintf(".TH %s %d \"\" %s %s\n.SH NAME\n%s \\- %s\n",
		quoted(strings.ToUpper(p.Name)), p.Section, quoted("virtmap "+p.Version), quoted("virtmap manual"), line(p.Name), line(p.About))
	return append([]byte(head), p.out.Bytes()...)
}

var escapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "·", `\(bu`)

// line escapes a text, so that no part of it is a macro.
func line(text string) string {
	text = escapes.Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}

func quoted(text string) string { return `"` + strings.ReplaceAll(line(text), `"`, `\(dq`) + `"` }
