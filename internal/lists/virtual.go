package lists

import "strings"

// Reasons for lines of a list that is read line by line.
const (
	whyNoLine   = "it begins with a blank, and there is no line with which it could go on"
	whyNoTarget = "it has no target"
	whyNoQuote  = "a quotation mark in it has no end"
)

// virtual reads a line of virtual(5), or of a list of kind lines. In virtual(5) a domain
// alone, with any value, is served.
func (r *reader) virtual(l line) {
	if isWhite(l.text[0]) {
		r.left(l, whyNoLine)
		return
	}
	key, value, closed := cut(l.text)
	if !closed {
		r.left(l, whyNoQuote)
		return
	}
	if s := lineShape(l.text, key, value); s != nil {
		r.leftAs(l, s)
		return
	}
	if r.kind == "postfix" && isDomain(key) {
		r.row(l, Domain, key, "")
		return
	}
	if strings.IndexByte(key, '@') < 0 {
		r.countProse(l.text)
	}
	r.address(l, key, targets(value, " ,"))
}

// address adds a row of an address and its targets.
func (r *reader) address(l line, key, targets string) {
	if targets == "" {
		r.left(l, whyNoTarget)
		return
	}
	r.row(l, Address, key, targets)
}

// cut cuts a line at its first blank outside quotes, as postmap(1) does. closed says that
// each quotation mark has its end.
func cut(line string) (key, value string, closed bool) {
	end, quoted := 0, false
	for ; end < len(line); end++ {
		c := line[end]
		if c == '\\' {
			end++
		} else if c == '"' {
			quoted = !quoted
		} else if !quoted && isWhite(c) {
			break
		}
	}
	end = min(end, len(line))
	return line[:end], trim(line[end:]), !quoted
}

// trim takes away the blanks around a text.
func trim(text string) string {
	for len(text) > 0 && isWhite(text[0]) {
		text = text[1:]
	}
	for len(text) > 0 && isWhite(text[len(text)-1]) {
		text = text[:len(text)-1]
	}
	return text
}

// isDomain reports whether a key is a domain alone.
func isDomain(key string) bool {
	return strings.IndexByte(key, '@') < 0 && strings.IndexByte(key, '.') > 0 && strings.IndexByte(key, ':') < 0 && key[0] != '['
}

// targets returns a list of targets with a comma and a blank between two of them. A blank
// among the separators stands for every white space. Separators in quotes, and after a
// backslash, are part of a target. A refusal of a virtusertable, which begins with
// "error:", and a value with names or comments in brackets are returned as they are.
func targets(value, separators string) string {
	separates := func(c byte) bool {
		return strings.IndexByte(separators, c) >= 0 || isWhite(c) && separators[0] == ' '
	}
	plain := true
	for i := 0; plain && i < len(value); i++ {
		c := value[i]
		plain = c > ' ' && c != ',' && c != ';'
	}
	if plain || isError(value) || strings.ContainsAny(value, "<(") {
		return value
	}
	var out strings.Builder
	out.Grow(len(value) + 8)
	quoted, start := false, -1
	for i := 0; i <= len(value); i++ {
		if i == len(value) || !quoted && separates(value[i]) {
			if start >= 0 {
				if out.Len() > 0 {
					out.WriteString(", ")
				}
				out.WriteString(value[start:i])
			}
			start = -1
			continue
		}
		if start < 0 {
			start = i
		}
		switch value[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i = min(i+1, len(value)-1)
		}
	}
	return out.String()
}

// isError reports whether a value is a refusal of a virtusertable.
func isError(value string) bool {
	return len(value) > 6 && value[5] == ':' && strings.EqualFold(value[:5], "error")
}
