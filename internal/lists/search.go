package lists

import (
	"strings"
	"unicode/utf8"
)

// search calls each with every entry of a file of lsearch (Exim's specification, chapter
// 9): a line that begins with a blank goes on with the line right before it, and a line
// with # as its first character is a comment. A # behind a blank is a part of the entry.
// Behind a comment or an empty line Exim 4.96 passes over a line that begins with a blank.
func (r *reader) search(each func(line)) {
	var last line
	flush := func() {
		if last.number == 0 {
			return
		}
		r.lines++
		if r.valid || utf8.ValidString(last.text) {
			each(last)
		} else {
			r.left(last, whyUTF8)
		}
		last = line{}
	}
	for at, number := 0, 1; at < len(r.text); number++ {
		whole, next := lineAt(r.text, at)
		at = next
		text := strings.TrimRight(whole, white)
		switch {
		case text == "":
			flush()
			r.blank()
		case text[0] == '#':
			flush()
			r.comment(text)
		case isWhite(text[0]) && last.number > 0:
			last.text += " " + trim(text)
		default:
			flush()
			last = line{number: number, text: text, above: r.take()}
		}
	}
	flush()
}

// eximData reads an entry of lsearch as Exim does: its data is the Value.
func (r *reader) eximData(l line) {
	key, data, closed := cutSearch(l.text)
	local := strings.TrimPrefix(key, "*")
	switch {
	case isWhite(l.text[0]):
		r.left(l, whyNoLine)
	case !closed:
		r.left(l, whyNoQuote)
	case strings.Contains(key, "@"):
		r.left(l, "Exim looks up the name alone, without its domain")
	case key == "" || strings.Contains(local, "*"), local != key && local != "":
		r.left(l, whyPattern)
	default:
		r.row(l, Address, local+"@"+r.domain, data)
	}
}
