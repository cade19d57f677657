package lists

import (
	"strings"
	"unicode/utf8"
)

// white are the bytes that Postfix takes as blanks (isspace(3)).
const white = " \t\n\v\f\r"

// A line is a logical line: a line and those with which it goes on.
type line struct {
	number int    // of its first line, from 1
	text   string // without the ends of the lines; it begins with a blank if there is no line before it
	value  string // of a record of CSV: what is shown behind its text, which is its key
	above  []string
}

// logical calls each with every line that is no comment. With goOn, a line that begins
// with a blank goes on with the line before, also behind comments and empty lines
// (postconf(5), "file format"). Without it, the blanks in front are taken away.
func (r *reader) logical(goOn bool, each func(line)) {
	r.list.Rows = make([]Row, 0, min(strings.Count(r.text, "\n")+1, len(r.text)/24+1))
	var last line
	var parts []string // what goes on with last
	flush := func() {
		if last.number > 0 {
			if parts != nil {
				last.text = strings.Join(append([]string{last.text}, parts...), "")
			}
			r.lines++
			if r.valid || utf8.ValidString(last.text) {
				each(last)
			} else {
				r.left(last, whyUTF8)
			}
		}
		last, parts = line{}, nil
	}
	for at, number := 0, 1; at < len(r.text); number++ {
		whole, next := lineAt(r.text, at)
		begin := 0
		for begin < len(whole) && isWhite(whole[begin]) {
			begin++
		}
		switch {
		case begin == len(whole):
			r.blank()
		case whole[begin] == '#':
			if end, lines := r.manual(at); end > 0 {
				r.blank()
				next, number = end, number+lines-1
				break
			}
			r.comment(whole)
		case goOn && begin > 0 && last.number > 0:
			parts = append(parts, whole)
			last.above = append(last.above, r.take()...)
		default:
			flush()
			if !goOn {
				whole = whole[begin:]
			}
			last = line{number: number, text: whole, above: r.take()}
		}
		at = next
	}
	flush()
}

// lineAt returns the line at an offset without its end, and the offset of the next one.
func lineAt(text string, at int) (whole string, next int) {
	end := strings.IndexByte(text[at:], '\n')
	if end < 0 {
		return text[at:], len(text)
	}
	return text[at : at+end], at + end + 1
}

// isWhite reports whether a byte is one of white.
func isWhite(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// comment keeps a comment until the next line.
func (r *reader) comment(whole string) {
	r.comments = append(r.comments, strings.Clone(safe(whole))) // a part of the whole text otherwise
}

// blank ends the comments at the top.
func (r *reader) blank() {
	if r.top && len(r.comments) > 0 {
		r.list.Head, r.comments, r.top = r.comments, nil, false
	}
}

// take returns the comments above a line.
func (r *reader) take() []string {
	above := r.comments
	r.comments, r.top = nil, false
	return above
}

// end keeps the comments behind the last line, and names the file if it is one of another
// kind.
func (r *reader) end() *List {
	r.list.Tail = r.comments
	r.noteForeign()
	return r.list
}

// manual returns where the manual ends that begins at an offset, and the number of its
// lines; 0, 0: no manual begins there. The files that come with Postfix begin with their
// manual page as a comment:
//
//	# VIRTUAL(5)                          VIRTUAL(5)
//	#
//	# NAME
//	…
//	#                                     VIRTUAL(5)
//
// The end is the last such title among comment lines without an empty line between them.
func (r *reader) manual(at int) (end, lines int) {
	whole, next := lineAt(r.text, at)
	if at < r.scanned || !strings.HasSuffix(strings.TrimRight(whole, white), ")") {
		return 0, 0
	}
	words := strings.Fields(strings.TrimLeft(whole, "#"+white))
	if len(words) < 2 || words[0] != words[len(words)-1] || !isPage(words[0]) {
		return 0, 0
	}
	for number := 2; next < len(r.text); number++ {
		whole, after := lineAt(r.text, next)
		text := strings.Trim(whole, white)
		if text == "" || text[0] != '#' {
			break
		}
		if strings.TrimLeft(text, "#"+white) == words[0] {
			end, lines = after, number
		}
		next = after
	}
	if end == 0 {
		r.scanned = next
	}
	return end, lines
}

// isPage reports whether a word is the name of a manual page in capitals, as VIRTUAL(5).
func isPage(word string) bool {
	name, section, ok := strings.Cut(word, "(")
	return ok && name != "" && len(section) == 2 && section[0] >= '1' && section[0] <= '9' && section[1] == ')' && name == strings.ToUpper(name)
}
