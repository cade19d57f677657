package route

import "strings"

// A token is a part of an address (RFC 822 3.1.4). Its kind is a special character, or
// one of the constants below.
type token struct {
	kind rune
	text string // without quotes and brackets; of a comment with its brackets
}

const (
	atom rune = 256 + iota
	quoted
	literal // in brackets
	comment
	group // the : behind the name of a group
)

// specials end an atom: the characters of RFC 822, and | % !.
const specials = "|%!()<>@,;:\\\".[]"

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// scan cuts a text into tokens. White space between tokens gets lost.
func scan(s string) (tokens []token) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case blank(c):
			i++
		case c == '(':
			end := commentEnd(s, i)
			tokens = append(tokens, token{comment, s[i:end]})
			i = end
		case c == '[' || c == '"':
			kind, closing := literal, byte(']')
			if c == '"' {
				kind, closing = quoted, '"'
			}
			text, end := collect(s, i+1, func(c byte) bool { return c == closing })
			tokens = append(tokens, token{kind, text})
			i = min(end+1, len(s))
		case c != '\\' && strings.IndexByte(specials, c) >= 0:
			tokens = append(tokens, token{kind: rune(c)})
			i++
		default:
			text, end := collect(s, i, func(c byte) bool { return blank(c) || strings.IndexByte(specials, c) >= 0 })
			kind := atom
			if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == 127 || strings.ContainsRune(specials, c) }) {
				kind = quoted
			}
			tokens = append(tokens, token{kind, text})
			i = end
		}
	}
	return tokens
}

// collect returns the text from an offset up to a character that ends it, without the
// backslashes of escaped characters.
func collect(s string, i int, ends func(c byte) bool) (text string, end int) {
	start := i
	for i < len(s) && s[i] != '\\' && !blank(s[i]) && !ends(s[i]) {
		i++
	}
	if i == len(s) || s[i] != '\\' && ends(s[i]) {
		return s[start:i], i
	}
	var b strings.Builder
	b.WriteString(s[start:i])
	for ; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			if i++; i == len(s) {
				break
			}
			c = s[i]
		} else if ends(c) {
			break
		}
		if blank(c) {
			c = ' '
		}
		b.WriteByte(c)
	}
	return b.String(), i
}

// commentEnd returns the offset behind a comment. Comments nest.
func commentEnd(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\\':
			i++
		}
	}
	return len(s)
}

// plain returns the text of tokens without quotes: the internal form of an address.
// spaced puts a blank between words that follow one another.
func plain(tokens []token, spaced bool) string {
	var b strings.Builder
	for i, t := range tokens {
		switch t.kind {
		case atom, quoted, comment:
			b.WriteString(t.text)
		case literal:
			b.WriteString("[" + t.text + "]")
		case group:
			b.WriteByte(':')
		default:
			b.WriteByte(byte(t.kind))
		}
		if spaced && i+1 < len(tokens) && (isWord(t) && isWord(tokens[i+1]) || t.kind == ',' || t.kind == group || tokens[i+1].kind == '<') {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func isWord(t token) bool {
	return t.kind == atom || t.kind == quoted || t.kind == literal || t.kind == comment
}

// find returns the place of the first token of a kind, findLast that of the last; -1:
// there is none.
func find(tokens []token, kind rune) int {
	for i, t := range tokens {
		if t.kind == kind {
			return i
		}
	}
	return -1
}

func findLast(tokens []token, kind rune) int {
	for i := len(tokens) - 1; i >= 0; i-- {
		if tokens[i].kind == kind {
			return i
		}
	}
	return -1
}

// quote returns an address with quotes around a local part that needs them: the
// external form. bare says that the text is a local part alone.
func quote(addr string, bare bool) string {
	start := 0
	if strings.HasPrefix(addr, "@") {
		start = strings.IndexByte(addr, ':') + 1
	}
	end := strings.LastIndexByte(addr[start:], '@') + start
	if bare || end < start {
		end = len(addr)
	}
	local := addr[start:end]
	if isDotString(local) {
		return addr
	}
	var b strings.Builder
	b.WriteString(addr[:start] + `"`)
	for i := 0; i < len(local); i++ {
		if c := local[i]; c == '"' || c == '\\' || c == '\r' {
			b.WriteByte('\\')
		}
		b.WriteByte(local[i])
	}
	return b.String() + `"` + addr[end:]
}

// isDotString reports whether a local part needs no quotes.
func isDotString(local string) bool {
	if local == "" || local[0] == '.' || local[len(local)-1] == '.' {
		return false
	}
	for i := 0; i < len(local); i++ {
		c := local[i]
		if c <= ' ' || c == 127 || strings.IndexByte("()<>@,;:\\\"[]", c) >= 0 || c == '.' && local[i+1] == '.' {
			return false
		}
	}
	return true
}

// unquote returns the internal form of an address in external form.
func unquote(addr string) string {
	if strings.IndexByte(addr, '"') < 0 && strings.IndexByte(addr, '\\') < 0 {
		return addr
	}
	start := 0
	if strings.HasPrefix(addr, "@") {
		start = strings.IndexByte(addr, ':') + 1
	}
	b := []byte(addr[:start])
	at, from, in := -1, 0, false
	for i := start; i < len(addr); i++ {
		switch c := addr[i]; {
		case c == '"':
			in = !in
			continue
		case c == '@' && !in:
			at, from = len(b), i
		case c == '\\':
			if i+1 == len(addr) {
				continue
			}
			i++
		}
		b = append(b, addr[i])
	}
	if at >= 0 {
		return string(b[:at]) + addr[from:]
	}
	return string(b)
}
