package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"virtmap/internal/mta"
)

// plain reads lines of an address and targets.
func (g *listReader) plain(s List) error {
	g.tail(logicalLines(s, false, g.take))
	return nil
}

// postfix reads virtual(5). A line that begins with a blank continues the line before,
// and a line with only a domain declares the domain.
func (g *listReader) postfix(s List) error {
	g.tail(logicalLines(s, true, func(f found) {
		f.declares = !strings.Contains(f.key, "@") && strings.Contains(f.key, ".")
		g.take(f)
	}))
	return nil
}

// tail keeps the comments after all rows.
func (g *listReader) tail(comments []string) {
	if g.adding {
		g.facts.Tail = append(g.facts.Tail, comments...)
	}
}

// logicalLines calls each with every line that is no comment, cut at the first blank. It
// returns the comments without a line below. With goOn, a line that begins with a
// blank continues the line before, also after a comment.
func logicalLines(s List, goOn bool, each func(found)) (comments []string) {
	var last *found
	number := 0
	end := func() {
		if last != nil {
			each(*last)
		}
		last = nil
	}
	for line := range strings.Lines(s.Text) {
		number++
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "":
		case trimmed[0] == '#':
			comments = append(comments, trimmed)
		case goOn && last != nil && (line[0] == ' ' || line[0] == '\t'):
			last.right += " " + trimmed
			last.comments, comments = append(last.comments, comments...), nil
		default:
			end()
			last = &found{where: fmt.Sprintf("%s:%d", s.Name, number), comments: comments}
			last.key, last.right = mta.CutLine(trimmed)
			comments = nil
		}
	}
	end()
	return comments
}

// csv reads two columns. If the first line has semicolons and no comma, the separator
// is a semicolon, as in files of some spreadsheets. A first row without an address is a
// header, and becomes a comment.
func (g *listReader) csv(s List) error {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(s.Text, "\ufeff")))
	first, _, _ := strings.Cut(s.Text, "\n")
	if !strings.Contains(first, ",") && strings.Contains(first, ";") {
		r.Comma = ';'
	}
	r.Comment, r.FieldsPerRecord, r.TrimLeadingSpace = '#', -1, true
	comments := hashLines(s.Text)
	for n := 0; ; n++ {
		record, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			g.tail(slices.Concat(comments...))
			return nil
		case err != nil:
			return badCSV(s.Name, err)
		}
		line, _ := r.FieldPos(0)
		where := fmt.Sprintf("%s:%d", s.Name, line)
		whole := strings.Join(record, string(r.Comma))
		switch {
		case n == 0 && !strings.Contains(whole, "@"):
			comments[line-1] = []string{"# " + whole}
		case len(record) != 2:
			return fmt.Errorf("%s: there are %d columns; write two, address and targets", where, len(record))
		default:
			above := slices.Concat(comments[:line]...)
			clear(comments[:line])
			g.take(found{where: where, key: strings.TrimSpace(record[0]), right: strings.ReplaceAll(strings.TrimSpace(record[1]), ";", ","), comments: above})
		}
	}
}

// badCSV returns an error of package csv with its place in our form.
func badCSV(name string, err error) error {
	if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%s:%d:%d: %w; write a quotation mark within quotation marks twice", name, bad.Line, bad.Column, bad.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// hashLines returns the comment of each line.
func hashLines(text string) [][]string {
	comments := make([][]string, strings.Count(text, "\n")+1)
	n := 0
	for line := range strings.Lines(text) {
		if line[0] == '#' {
			comments[n] = []string{strings.TrimSpace(line)}
		}
		n++
	}
	return comments
}
