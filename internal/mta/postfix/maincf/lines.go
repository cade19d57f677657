package maincf

import "strings"

// A piece is a line of a text, without its newline: a half-open range of offsets.
type piece struct{ start, end int }

// A logical is a line with the lines that continue it (readlline(3)).
type logical struct {
	text   string
	line   int // the first line is 1
	pieces []piece
	orphan bool   // the line begins with a blank and continues nothing: Postfix skips it
	fault  string // what Postfix warns of
}

// scan returns the logical lines of a text, and its number of lines. Comments and empty
// lines are in none of them, also between a line and its continuation.
func scan(text string) (all []logical, lines int) {
	for at := 0; at < len(text); {
		end := len(text)
		next := end
		if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
			end, next = at+n, at+n+1
		}
		lines++
		line := text[at:end]
		switch content := trimLeft(line); {
		case content == "" || content[0] == '#':
		case isBlank(line[0]) && len(all) > 0:
			l := &all[len(all)-1]
			l.text = trimRight(l.text) + " " + content
			l.pieces = append(l.pieces, piece{at, end})
		default:
			l := logical{text: line, line: lines, pieces: []piece{{at, end}}, orphan: isBlank(line[0])}
			if l.orphan {
				l.fault = "a line that begins with a blank continues the line before, and there is none"
			}
			all = append(all, l)
		}
		at = next
	}
	for i := range all {
		if before, _, cut := strings.Cut(all[i].text, "\x00"); cut {
			all[i].text, all[i].fault = before, "text behind a null byte does not count"
		}
	}
	return all, lines
}

// splitNameValue splits "name = value" (split_nameval of Postfix). The fault is empty, or
// says why the text is no such line.
func splitNameValue(text string) (name, value, fault string) {
	text = trimLeft(text)
	end := strings.IndexFunc(text, func(r rune) bool { return r == '=' || r < 0x80 && isBlank(byte(r)) })
	switch {
	case text == "" || end == 0:
		return "", "", "there is no name before the ="
	case end < 0:
		return "", "", "there is no = behind the name"
	}
	rest, ok := strings.CutPrefix(trimLeft(text[end:]), "=")
	if !ok {
		return "", "", "there is no = behind the name"
	}
	return text[:end], trimRight(trimLeft(rest)), ""
}

// blanks are the characters that isspace of C accepts.
const blanks = " \t\n\v\f\r"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

func trimLeft(text string) string  { return strings.TrimLeft(text, blanks) }
func trimRight(text string) string { return strings.TrimRight(text, blanks) }

// splitOutsideBraces splits a text at each of the separators that is not within braces
// (mystrtokq of Postfix).
func splitOutsideBraces(text, separators string) []string {
	var all []string
	level, start := 0, -1
	for i := range len(text) {
		c := text[i]
		separator := level == 0 && strings.IndexByte(separators, c) >= 0
		switch {
		case separator && start >= 0:
			all = append(all, text[start:i])
			start = -1
		case separator:
			continue
		case start < 0:
			start = i
		}
		switch {
		case c == '{':
			level++
		case c == '}' && level > 0:
			level--
		}
	}
	if start >= 0 {
		all = append(all, text[start:])
	}
	return all
}
