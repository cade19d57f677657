package mcfile

import "strings"

// A call is a call of an m4 macro in an .mc file.
type call struct {
	name string
	args []string // without their outer quotes and the blanks before them
	at   int      // offset of the name
	end  int      // offset behind the closing parenthesis, or behind the name
}

// arg returns an argument, or an empty text if it is missing.

func (c call) arg(i int) string {
	if i < len(c.args) {
		return c.args[i]
	}
	return ""
}

// scan returns the macro calls at the outer level of a text, as m4 finds them: not in
// comments of dnl or #, and not in quotes or arguments. A word without arguments is a
// call too.
func scan(text string) []call {
	var calls []call
	for at := 0; at < len(text); {
		switch c := text[at]; {
		case c == '#':
			at = lineEnd(text, at)
		case c == '`':
			at = quoteEnd(text, at)
		case isWordStart(c):
			end := at
			for end < len(text) && isWord(text[end]) {
				end++
			}
			word := text[at:end]
			if word == "dnl" {
				at = lineEnd(text, end)
				continue
			}
			found := call{name: word, at: at}
			if end < len(text) && text[end] == '(' {
				found.args, end = arguments(text, end+1)
			}
			found.end = end
			calls = append(calls, found)
			at = end
		default:
			at++
		}
	}
	return calls
}

func lineEnd(text string, at int) int {
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n + 1
	}
	return len(text)
}

// quoteEnd returns the offset behind the quote that begins at the offset at. Quotes nest.
func quoteEnd(text string, at int) int {
	depth := 0
	for ; at < len(text); at++ {
		switch text[at] {
		case '`':
			depth++
		case '\'':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(text)
}

// arguments parses arguments up to the closing parenthesis.
func arguments(text string, at int) (args []string, end int) {
	start, depth := at, 0
	for at < len(text) {
		switch c := text[at]; {
		case c == '`':
			at = quoteEnd(text, at)
			continue
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == ')':
			return append(args, unquote(text[start:at])), at + 1
		case c == ',' && depth == 0:
			args = append(args, unquote(text[start:at]))
			start = at + 1
		}
		at++
	}
	return args, len(text)
}

// unquote removes the blanks before an argument and its outer quotes.
func unquote(arg string) string {
	arg = strings.TrimLeft(arg, " \t\n")
	if len(arg) >= 2 && arg[0] == '`' && quoteEnd(arg, 0) == len(arg) {
		return arg[1 : len(arg)-1]
	}
	return arg
}

func isWordStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isWord(c byte) bool { return isWordStart(c) || '0' <= c && c <= '9' }
