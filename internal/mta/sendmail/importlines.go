package sendmail

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// readTexts reads the comments and other lines of the texts, and the rows of the map
// that sendmail never looks up.
func (s *Imported) readTexts() (err error) {
	l := &s.layout
	var text []byte
	if l.Table != "" {
		if text, err = regular.ReadIfThere(l.Place(l.Table)); err != nil {
			return err
		}
	}
	if bytes.Equal(text, s.table.Text()) {
		s.commentLines(text)
	} else {
		if err := s.readLines(string(text)); err != nil {
			return err
		}
		if err := s.set.EachRow(s.stray); err != nil {
			return err
		}
	}
	for _, file := range l.FilesW {
		if file.Path == "" {
			continue
		}
		text, err := regular.ReadIfThere(l.Place(file.Path))
		if err != nil {
			return err
		}
		s.nameComments(text)
	}
	s.sortOut(s.set.Names())
	s.virtualNote(l.Configuration().EntireDomain)
	for _, line := range l.Configuration().Unfollowed() {
		s.leave(": %s", line)
	}
	if unread := l.Unread(mcfile.Virtusertable); unread != "" {
		s.leave(": the rows of %s, which sendmail does not read (--from lines:%s takes them)", unread, unread)
	}
	return nil
}

// leave adds something that no inventory can have.
func (s *Imported) leave(format string, args ...any) {
	s.facts.Left = append(s.facts.Left, fmt.Sprintf(format, args...))
}

// readLines reads the lines of a virtusertable that is not the table.
func (s *Imported) readLines(text string) error {
	src, err := new(diag.Sources).Add("", text)
	if err != nil {
		return err
	}
	var faults diag.List
	rows := virtuser.Parse(src, &faults)
	why := map[diag.Pos]string{}
	for _, f := range faults.Faults() {
		why[f.Pos] = f.Text
	}
	facts := &s.facts
	facts.Above = map[string][]string{}
	if text != "" {
		facts.Order = noOrder(s.table.Len())
	}
	var pending []string
	row, start, number, began := 0, 0, uint32(0), false
	for line := range strings.Lines(text) {
		pos := src.Pos(start)
		start += len(line)
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case virtuser.OurComment(trimmed):
		case strings.HasPrefix(trimmed, "#"): // also after a blank, where makemap refuses it as a row
			pending = append(pending, trimmed)
		case trimmed == "":
			if !began {
				facts.Head, pending = append(facts.Head, pending...), nil
			}
		default:
			began = true
			d := mta.DeadRow{At: number}
			d.Key, d.Value = mta.CutLine(trimmed)
			if row < rows.Len() && rows.Pos(row) == pos {
				key, right := rows.Row(row)
				d.Key, d.Why = string(key), s.readFrom(number, key, right)
				row++
			} else {
				d.Why = lineFault(why, pos)
			}
			if len(pending) > 0 {
				facts.Above[d.Key], pending = append(facts.Above[d.Key], pending...), nil
			}
			if d.Why != "" {
				facts.Dead = append(facts.Dead, d)
			}
		}
	}
	facts.Tail = pending
	return nil
}

// commentLines reads the comments of a text that is the sorted table, and so has no
// other lines.
func (s *Imported) commentLines(text []byte) {
	s.facts.Above = map[string][]string{}
	var pending []string
	for line := range bytes.Lines(text) {
		switch line = bytes.TrimRight(line, "\n"); {
		case len(line) > 0 && line[0] == '#':
			if comment := strings.TrimSpace(string(line)); !virtuser.OurComment(comment) {
				pending = append(pending, comment)
			}
		case len(pending) > 0:
			key, _, _ := bytes.Cut(line, []byte("\t"))
			s.facts.Above[string(key)], pending = pending, nil
		}
	}
	s.facts.Tail = pending
}

// stray adds a row of the map to the dead ones if sendmail never looks it up.
func (s *Imported) stray(key, value []byte) error {
	key = mapfile.WithoutNUL(key)
	why := "sendmail never looks it up: there is no @ in it"
	switch {
	case len(key) > virtuser.MaxKey:
		why = fmt.Sprintf("sendmail never looks it up: it has more than %d bytes", virtuser.MaxKey)
	case bytes.IndexByte(key, '@') >= 0:
		return nil
	}
	for i := range s.facts.Dead {
		if s.facts.Dead[i].Key == string(key) {
			s.facts.Dead[i].Why = why
			return nil
		}
	}
	s.facts.Dead = append(s.facts.Dead, mta.DeadRow{Key: string(key), Value: string(mapfile.WithoutNUL(value)), Why: why})
	return nil
}

// lineFault is what is wrong with the line at a place.
func lineFault(why map[diag.Pos]string, line diag.Pos) string {
	if text, ok := why[line]; ok {
		return text
	}
	if text, ok := why[line+virtuser.MaxLine]; ok {
		return text
	}
	return "makemap does not take the line"
}

// noOrder is the order of rows of which the source has none.
func noOrder(rows int) []uint32 {
	order := make([]uint32, rows)
	for i := range order {
		order[i] = math.MaxUint32
	}
	return order
}

// readFrom records the line of a row of the text, and says why sendmail does not read
// the row; empty: it does.
func (s *Imported) readFrom(line uint32, key, right []byte) (why string) {
	i, ok := s.table.Find(key)
	if !ok {
		return "the text has this row, and the map that sendmail reads has not"
	}
	if _, value := s.table.Row(i); string(value) != string(right) {
		return "so the text says; the map that sendmail reads has " + string(value)
	}
	s.facts.Order[i] = min(s.facts.Order[i], line)
	return ""
}

// nameComments keeps the comments of a file of class w. A comment right above a name
// belongs to the name, any other to the empty name.
func (s *Imported) nameComments(text []byte) {
	above := s.facts.AboveNames
	if above == nil {
		above = map[string][]string{}
		s.facts.AboveNames = above
	}
	var pending []string
	keep := func(name string) {
		if len(pending) > 0 {
			above[name], pending = append(above[name], pending...), nil
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
