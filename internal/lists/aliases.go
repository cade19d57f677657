package lists

import "strings"

// alias reads a line of aliases(5): a name, a colon, and what the name leads to.
func (r *reader) alias(l line) {
	if isWhite(l.text[0]) {
		r.left(l, whyNoLine)
		return
	}
	name, value, ok := cutAlias(l.text)
	switch {
	case !ok:
		r.leftAs(l, noAlias(l.text))
	case isYAML(value):
		r.leftAs(l, aYAML)
	case name == "":
		r.left(l, "there is no name before its colon")
	case value == "":
		r.left(l, "it has no value, and Postfix leaves it out")
	case account(l.text) != "" && (hasSecret(value) || strings.Count(l.text, ":") >= 4) && !strings.Contains(l.text, ":include:"):
		r.leftAs(l, anAccount)
	default:
		r.row(l, Alias, name, value)
	}
}

// cutAlias cuts a line at its first colon outside quotes.
func cutAlias(text string) (name, value string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return trim(text[:i]), trim(text[i+1:]), true
		}
	}
	return "", "", false
}

var noColon = &shape{why: "there is no colon behind a name in it", file: "is no aliases file: its lines have no colons"}

// noAlias returns the shape of a line without a colon.
func noAlias(text string) *shape {
	key, value, closed := cut(text)
	if !closed {
		return noColon
	}
	switch s := lineShape(text, key, value); s {
	case nil:
		if strings.IndexByte(key, '@') >= 0 {
			return aForward
		}
		return noColon
	case anAlias, aShortAlias, aSign, withoutMore:
		return noColon
	default:
		return s
	}
}
