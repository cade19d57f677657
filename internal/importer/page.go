package importer

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"virtmap/internal/diag"
	"virtmap/internal/lists"
)

// A page is a text that is written line by line.
type page struct {
	out  strings.Builder
	line int
}

func (p *page) print(line string) {
	p.out.WriteString(line)
	p.out.WriteByte('\n')
	p.line++
}

func (p *page) printf(format string, args ...any) { p.print(fmt.Sprintf(format, args...)) }

// comments writes comments, which may have any bytes. It replaces no-break spaces, which
// are a fault in an inventory, and leaves passwords out.
func (p *page) comments(indent string, all []string) {
	for _, comment := range all {
		p.print(indent + lists.WithoutSecrets(strings.ReplaceAll(diag.Printable(asUTF8(comment)), "\u00a0", " ")))
	}
}

// asUTF8 returns a text as UTF-8. A text that is not UTF-8 is read as Latin-1.
func asUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for _, b := range []byte(text) {
		out.WriteRune(rune(b))
	}
	return out.String()
}
