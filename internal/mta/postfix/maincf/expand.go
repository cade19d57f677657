package maincf

import (
	"fmt"
	"strings"
)

// Limits of an expansion. Postfix has the first one; the others are for a hostile text,
// which can double at each level.
const (
	maxNesting    = 100
	maxReferences = 10_000
	maxExpanded   = 1 << 20 // bytes
)

// An expander replaces the references in one value (mac_parse(3) and mac_expand(3) of
// Postfix).
type expander struct {
	lookup     func(name string) (value string, ok bool)
	references int    // number of references so far
	size       int    // number of bytes so far
	fault      string // empty: none so far
}

// fail records the first fault.
func (e *expander) fail(format string, args ...any) {
	if e.fault == "" {
		e.fault = fmt.Sprintf(format, args...)
	}
}

// expand returns a text with its references replaced.
func (e *expander) expand(text string, nesting int) string {
	if text != "" && nesting > maxNesting {
		e.fail("the references lead through more than %d parameters, or in a circle", maxNesting)
	}
	var out strings.Builder
	for text != "" && e.fault == "" {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 {
			dollar = len(text)
		}
		out.WriteString(text[:dollar])
		if e.size += dollar + 1; e.size > maxExpanded {
			e.fail("the value has more than %d bytes", maxExpanded)
		}
		switch text = text[dollar:]; {
		case text == "":
		case strings.HasPrefix(text, "$$"):
			out.WriteByte('$')
			text = text[2:]
		default:
			var reference string
			reference, text = e.cut(text[1:])
			if e.fault == "" {
				out.WriteString(e.reference(reference, nesting))
			}
		}
	}
	return out.String()
}

// cut cuts a reference off a text that follows a dollar: name, {…} or (…).
func (e *expander) cut(text string) (reference, rest string) {
	end := 0
	switch {
	case text != "" && (text[0] == '{' || text[0] == '('):
		end = closing(text, text[0])
		if end < 0 {
			e.fail("a reference has no end: \"$%s\"", text)
			return "", ""
		}
		reference, rest = text[1:end], text[end+1:]
	default:
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		reference, rest = text[:end], text[end:]
	}
	if reference == "" {
		e.fail("no name follows a dollar: \"$%s\"", text)
	}
	return reference, rest
}

// closing returns the offset of the parenthesis that closes the one at the beginning, or -1.
func closing(text string, open byte) int {
	end := byte('}')
	if open == '(' {
		end = ')'
	}
	level := 0
	for i := range len(text) {
		switch text[i] {
		case open:
			level++
		case end:
			if level--; level == 0 {
				return i
			}
		}
	}
	return -1
}

// isNameByte reports whether a byte may be in the name of a reference.
func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// reference returns what stands for a reference: name or comparison, and perhaps ? and :
// with texts.
func (e *expander) reference(text string, nesting int) string {
	if e.references++; e.references > maxReferences {
		e.fail("the value has more than %d references", maxReferences)
		return ""
	}
	var value, name string
	rest, ok := leftBrace(text)
	if ok {
		value, rest = e.comparison(rest, nesting)
		if e.fault == "" && rest != "" && rest[0] != '?' && rest[0] != ':' {
			e.fail("? or : is missing before %q", rest)
		}
	} else if name, rest = e.name(text); e.fault == "" {
		value, _ = e.lookup(name)
	}
	switch {
	case e.fault != "":
		return ""
	case rest != "":
		return e.choice(value != "", rest, nesting)
	case name != "":
		return e.expand(value, nesting+1)
	}
	return value
}

// name cuts the name off a reference. The rest is empty or begins with ? or :.
func (e *expander) name(text string) (name, rest string) {
	text = trimLeft(text)
	end := 0
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	rest = trimLeft(text[end:])
	if rest != "" && rest[0] != '?' && rest[0] != ':' {
		e.fail("%q is no name", text)
	}
	return text[:end], rest
}

// choice returns the text behind ? or :. The text begins with one of these.
func (e *expander) choice(condition bool, text string, nesting int) string {
	result := ""
	if text[0] == '?' {
		var chosen string
		chosen, text = e.operand(text[1:])
		if condition && e.fault == "" {
			result = e.expand(chosen, nesting+1)
		}
		if text == "" || e.fault != "" {
			return result
		}
		if text[0] != ':' {
			e.fail(": is missing before %q", text)
			return ""
		}
	}
	other, text := e.operand(text[1:])
	if !condition && e.fault == "" {
		result = e.expand(other, nesting+1)
	}
	if text != "" {
		e.fail("nothing may follow, but there is %q", text)
	}
	return result
}

// operand returns the text in braces at the beginning, and what follows. Without a brace
// the whole text is the operand.
func (e *expander) operand(text string) (operand, rest string) {
	if braced, ok := leftBrace(text); ok {
		return e.braced(braced)
	}
	return text, ""
}

// leftBrace returns the text from its first character on that is not blank, if that is {.
func leftBrace(text string) (string, bool) {
	rest := strings.TrimLeft(text, " \t\r\n")
	return rest, strings.HasPrefix(rest, "{")
}

// braced returns the text within the braces at the beginning, and what follows, without
// leading blanks.
func (e *expander) braced(text string) (within, rest string) {
	end := closing(text, '{')
	if end < 0 {
		e.fail("a { has no }: %q", text)
		return "", ""
	}
	return text[1:end], strings.TrimLeft(text[end+1:], " \t\r\n")
}

// comparison returns "true" or nothing for {a} operator {b}, and what follows.
func (e *expander) comparison(text string, nesting int) (result, rest string) {
	left, rest := e.braced(text)
	operator := rest[:len(rest)-len(strings.TrimLeft(rest, "<>!=?+-*/~&|%"))]
	rest = rest[len(operator):]
	suffix := 0
	for suffix < len(rest) && rest[suffix] != '_' && isNameByte(rest[suffix]) {
		suffix++
	}
	order := rest[:suffix]
	rest, ok := leftBrace(rest[suffix:])
	if e.fault == "" && !ok {
		e.fail("{ is missing behind {%s} %s", left, operator)
	}
	if e.fault != "" {
		return "", ""
	}
	right, rest := e.braced(rest)
	left, right = e.expand(left, nesting+1), e.expand(right, nesting+1)
	if e.fault != "" {
		return "", ""
	}
	if e.compare(left, operator, order, right) {
		return "true", rest
	}
	return "", rest
}
