package virtuser

import "strings"

// operators are the characters that are tokens by themselves: OperatorChars of
// cf/m4/proto.m4, and DELIMCHARS of sendmail. White space separates tokens, and is no
// token.
const operators = ".:%@!^/[]+()<>,;"

// tokens splits an address as sendmail does before it rewrites the address
// (sendmail/parseaddr.c, prescan). An operator is a token. A quoted string is one token
// with its quotes. Comments in ( ) are dropped. A backslash keeps the next character.
func tokens(text string) ([]string, *refusal) {
	text, bad := withoutComments(text)
	if bad != nil {
		return nil, bad
	}
	return appendTokens(make([]string, 0, 16), text), nil
}

// bracketed returns the tokens of an address in angle brackets.
func bracketed(addr string) ([]string, *refusal) {
	if strings.ContainsAny(addr, special) {
		return tokens("<" + addr + ">")
	}
	return append(appendTokens(append(make([]string, 0, 16), "<"), addr), ">"), nil
}

// appendTokens splits a text without comments.
func appendTokens(all []string, text string) []string {
	for i := 0; i < len(text); {
		end := i + 1
		switch c := text[i]; {
		case c == '"':
			end = quoteEnd(text, i)
		case isBlank(c):
			i++
			continue
		case strings.IndexByte(operators, c) < 0:
			end = atomEnd(text, i)
		}
		all = append(all, text[i:end])
		i = end
	}
	return all
}

func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// quoteEnd returns the index after the closing quote of the quoted string at i.
func quoteEnd(text string, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func atomEnd(text string, i int) int {
	for ; i < len(text); i++ {
		c := text[i]
		if c == '\\' {
			i++
			continue
		}
		if c == '"' || isBlank(c) || strings.IndexByte(operators, c) >= 0 {
			return i
		}
	}
	return len(text)
}

// special are the characters that withoutComments looks at.
const special = `()<>"\`

// withoutComments drops comments and the backslash of \!. It refuses unbalanced
// brackets and quotes with the words of prescan.
func withoutComments(text string) (string, *refusal) {
	if !strings.ContainsAny(text, special) {
		return text, nil
	}
	var out strings.Builder
	comments, angles, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			if comments > 0 {
				continue
			}
			if text[i] != '!' || quoted {
				out.WriteByte('\\')
			}
			out.WriteByte(text[i])
			continue
		case comments == 0 && c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			comments++
			continue
		case c == ')':
			if comments == 0 {
				return "", unbalanced(c)
			}
			comments--
			continue
		case comments > 0:
			continue
		case c == '<':
			angles++
		case c == '>':
			if angles == 0 {
				return "", unbalanced(c)
			}
			angles--
		}
		out.WriteByte(c)
	}
	switch {
	case quoted:
		return "", unbalanced('"')
	case comments > 0:
		return "", unbalanced('(')
	case angles > 0:
		return "", unbalanced('<')
	}
	return out.String(), nil
}

func unbalanced(c byte) *refusal { return &refusal{553, "5.0.0", "Unbalanced '" + string(c) + "'"} }

// joined joins tokens, with a separator between two words that are side by side
// (parseaddr.c, cataddr).
func joined(all []string, separator byte) string {
	if len(all) == 1 {
		return all[0]
	}
	size := len(all)
	for _, token := range all {
		size += len(token)
	}
	var out strings.Builder
	out.Grow(size)
	word := false
	for _, token := range all {
		isWord := token != "" && token[0] != '"' && !isBlank(token[0]) && strings.IndexByte(operators, token[0]) < 0
		if word && isWord {
			out.WriteByte(separator)
		}
		out.WriteString(token)
		word = isWord
	}
	return out.String()
}

// blankSub replaces a blank between two words of an address (option BlankSub,
// cf/m4/proto.m4).
const blankSub = '.'

// stripQuotes removes quotes, and the backslashes of protected characters
// (sendmail/util.c, stripquotes).
func stripQuotes(text string) string {
	if !strings.ContainsAny(text, `"\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case text[i] != '"' && text[i] != '\\':
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// dequoted removes the quotes of a single token, if the result is balanced and has no
// blanks, and splits it again (parseaddr.c, dequote_map).
func dequoted(token string) ([]string, *refusal) {
	var out strings.Builder
	angles, comments, quotes, blanks := 0, 0, 0, 0
	for i := 0; i < len(token); i++ {
		switch c := token[i]; {
		case c == '\\':
			if i++; i == len(token) {
				return []string{token}, nil
			}
			out.WriteString(token[i-1 : i+1])
			continue
		case c == '(':
			comments++
		case c == ')':
			if comments--; comments < 0 {
				return []string{token}, nil
			}
		case c == ' ' || c == '\t':
			blanks++
		case comments > 0:
		case c == '"':
			quotes++
			continue
		case c == '<':
			angles++
		case c == '>':
			if angles--; angles < 0 {
				return []string{token}, nil
			}
		}
		out.WriteByte(token[i])
	}
	if angles != 0 || comments != 0 || quotes == 0 || quotes%2 != 0 || blanks != 0 {
		return []string{token}, nil
	}
	return tokens(out.String())
}
