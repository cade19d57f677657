package importer

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/virtuser"
)

// lines are the lines of a text, without the rows that sendmail reads.
type lines struct {
	above map[string][]string // by key: the comments before a row
	dead  []entry             // rows that sendmail does not read
	head  []string            // comments before the first blank line, if no row is before it
	tail  []string            // comments after all rows
}

// readLines reads a virtusertable. table has the rows that sendmail reads.
func readLines(text string, table *virtuser.Table) (lines, error) {
	src, err := new(diag.Sources).Add("", text)
	if err != nil {
		return lines{}, err
	}
	var faults diag.List
	rows := virtuser.Parse(src, &faults)
	why := map[diag.Pos]string{}
	for _, f := range faults.Faults() {
		why[f.Pos] = f.Text
	}
	l := lines{above: map[string][]string{}}
	var pending []string
	row, start, began := 0, 0, false
	for line := range strings.Lines(text) {
		pos := src.Pos(start)
		start += len(line)
		trimmed := strings.TrimSpace(line)
		switch {
		case virtuser.OurComment(trimmed):
		case strings.HasPrefix(trimmed, "#"): // also after a blank, where makemap refuses it as a row
			pending = append(pending, trimmed)
		case trimmed == "":
			if !began {
				l.head, pending = append(l.head, pending...), nil
			}
		default:
			began = true
			e := entryOf(trimmed)
			if row < rows.Len() && rows.Pos(row) == pos {
				key, right := rows.Row(row)
				e.key, e.why = string(key), notRead(table, key, right)
				row++
			} else {
				e.why = reason(why, src, pos)
			}
			if len(pending) > 0 {
				l.above[e.key], pending = append(l.above[e.key], pending...), nil
			}
			if e.why != "" {
				l.dead = append(l.dead, e)
			}
		}
	}
	l.tail = pending
	return l, nil
}

// commentLines reads the comments of a text that is the sorted table, and so has no
// other lines.
func commentLines(text []byte) lines {
	l := lines{above: map[string][]string{}}
	var pending []string
	for line := range bytes.Lines(text) {
		switch line = bytes.TrimRight(line, "\n"); {
		case len(line) > 0 && line[0] == '#':
			if comment := strings.TrimSpace(string(line)); !virtuser.OurComment(comment) {
				pending = append(pending, comment)
			}
		case len(pending) > 0:
			key, _, _ := bytes.Cut(line, []byte("\t"))
			l.above[string(key)], pending = pending, nil
		}
	}
	l.tail = pending
	return l
}

// stray adds a row of the map to dead if sendmail never looks it up.
func (l *lines) stray(key, value []byte) error {
	key = mapfile.WithoutNUL(key)
	why := "sendmail never looks it up: there is no @ in it"
	switch {
	case len(key) > virtuser.MaxKey:
		why = fmt.Sprintf("sendmail never looks it up: it has more than %d bytes", virtuser.MaxKey)
	case bytes.IndexByte(key, '@') >= 0:
		return nil
	}
	for i := range l.dead {
		if l.dead[i].key == string(key) {
			l.dead[i].why = why
			return nil
		}
	}
	l.dead = append(l.dead, entry{key: string(key), right: string(mapfile.WithoutNUL(value)), as: asComment, why: why})
	return nil
}

// entryOf cuts a line at the first blank. The line need not be a row.
func entryOf(line string) entry {
	end := strings.IndexAny(line+" ", " \t")
	return entry{key: line[:end], right: strings.TrimLeft(line[end:], " \t"), as: asComment}
}

// reason returns what is wrong with the line at a place.
func reason(why map[diag.Pos]string, src *diag.Source, line diag.Pos) string {
	if text, ok := why[line]; ok {
		return text
	}
	if text, ok := why[line+virtuser.MaxLine]; ok {
		return text
	}
	return "makemap does not take the line"
}

// notRead returns why sendmail does not read a row of the text, or an empty text if it
// does.
func notRead(table *virtuser.Table, key, right []byte) string {
	switch value, ok := table.Get(key); {
	case !ok:
		return "the text has this row, and the map that sendmail reads has not"
	case string(value) != string(right):
		return "so the text says; the map that sendmail reads has " + string(value)
	}
	return ""
}

// sortOut keeps the names that an inventory can have as domains, and adds a reason to
// unsupported for each other name.
func (s *Server) sortOut(all []string) {
	unsupported := func(why string) { s.unsupported = append(s.unsupported, ", a name of class w: "+why) }
	for _, name := range all {
		why := unsayable(name)
		switch {
		case isLiteral(name):
			unsupported(name + " is an address, and sendmail knows those of its host by itself")
		case strings.HasSuffix(name, "."):
			unsupported(fmt.Sprintf("%q ends in a dot and never matches", name))
		case why != "":
			unsupported(why)
		default:
			s.names = append(s.names, name)
		}
	}
}

// unsayable returns why an inventory cannot have a domain of sendmail, or an empty text
// if it can.
func unsayable(domain string) string {
	folded, bad := mailaddr.FoldDomain(domain)
	switch {
	case bad != nil:
		return bad.Text
	case folded != strings.TrimSuffix(domain, "."):
		return fmt.Sprintf("%q is not ASCII, and mail comes to %s", domain, folded)
	}
	return ""
}

// nameComments keeps the comments of a file of class w. A comment right above a name
// belongs to the name, any other to the empty name.
func (s *Server) nameComments(text []byte) {
	if s.aboveNames == nil {
		s.aboveNames = map[string][]string{}
	}
	var pending []string
	keep := func(name string) {
		if len(pending) > 0 {
			s.aboveNames[name], pending = append(s.aboveNames[name], pending...), nil
		}
	}
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case line == "":
			keep("")
		case line[0] != '#':
			name, _, _ := strings.Cut(line, "#")
			name, _, _ = strings.Cut(strings.ReplaceAll(name, "\t", " "), " ")
			keep(mailaddr.Lower(name))
		case !virtuser.OurComment(line):
			pending = append(pending, line)
		}
	}
	keep("")
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
