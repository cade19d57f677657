package intake

import (
	"strings"
	"unicode/utf8"

	"virtmap/internal/mailaddr"
	"virtmap/virtuser"
)

// lines are what a text says beside its rows.
type lines struct {
	above map[string][]string // the comments before a row, by its key
	dead  []entry             // those that sendmail does not read
	head  []string            // comments before a blank line, before all rows
	tail  []string            // comments behind all rows
}

// readLines reads a text. table has the rows that sendmail reads.
func readLines(text string, table *virtuser.Table) lines {
	l := lines{above: map[string][]string{}}
	var pending []string
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		line = asUTF8(strings.TrimRight(line, "\r\n\t "))
		switch {
		case virtuser.OurComment(line):
		case strings.HasPrefix(line, "#"):
			pending = append(pending, line)
		case line == "":
			if len(seen) == 0 && len(pending) > 0 {
				l.head, pending = append(l.head, pending...), nil
			}
		default:
			key, right := cutLine(line)
			key = mailaddr.Lower(key)
			l.above[key] = append(l.above[key], pending...)
			pending = nil
			if why := notRead(table, key, right, seen[key]); why != "" {
				l.dead = append(l.dead, entry{key: key, right: right, as: asComment, why: why})
			}
			seen[key] = true
		}
	}
	l.tail = pending
	return l
}

// cutLine cuts a row as makemap does.
func cutLine(line string) (key, right string) {
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		return line[:end], strings.TrimLeft(line[end:], " \t")
	}
	return line, ""
}

// notRead says why sendmail does not read a line.
func notRead(table *virtuser.Table, key, right string, again bool) string {
	value, ok := table.Get([]byte(key))
	switch {
	case again && string(value) == right:
		return ""
	case again:
		return "the first row with this key holds"
	case !strings.Contains(key, "@"):
		return noAddress
	case !ok:
		return "the text has this row, and the map that sendmail reads has not"
	case asUTF8(string(value)) != right:
		return "so the text says; the map that sendmail reads says otherwise"
	}
	return ""
}

// asUTF8 takes a text that is no UTF-8 for Latin-1.
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
