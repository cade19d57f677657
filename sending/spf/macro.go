package spf

import (
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
)

// macros are a text with macros (RFC 7208 7), in pieces.
type macros []piece

// A piece is a literal text or one macro.
type piece struct {
	literal string

	letter     byte   // in lower case; 0: a literal
	escape     bool   // the letter is a capital: the value is escaped as in a URL
	keep       int    // number of parts to keep, from the right; 0: all
	reverse    bool   // the parts are put in reverse order
	delimiters string // the characters that separate parts
}

// Macro letters. Some are for explanations only (RFC 7208 7.2).
const (
	inDomains      = "slodiphv"
	inExplanations = inDomains + "crt"
)

// parseDomain reads a domain-spec: a text with macros that ends with a macro, or with a
// dot and a top label (RFC 7208 12).
func parseDomain(text string) (macros, *mistake) {
	if text == "" {
		return nil, wrong("", "a domain is missing")
	}
	m, problem := parseMacros(text, inDomains)
	if problem != nil {
		return nil, problem
	}
	last := &m[len(m)-1]
	if last.letter != 0 || strings.HasSuffix(text, "%%") || strings.HasSuffix(text, "%_") || strings.HasSuffix(text, "%-") {
		return m, nil
	}
	return m, badEnd(text)
}

// badEnd returns the mistake of a domain-spec that does not end with a top label.
func badEnd(text string) *mistake {
	name := strings.TrimSuffix(text, ".")
	at := strings.LastIndexByte(name, '.')
	top := name[at+1:]
	switch {
	case at >= 0 && isTopLabel(top):
		return nil
	case isAddress(text):
		return wrong("write ip4: or ip6: in front of an address", "%q is an address, and a name must stand there", text)
	case at < 0:
		return wrong("a name has a dot, as in mail.fakemail.example", "%q is no domain", text)
	case top == "":
		return wrong("", "%q ends with two dots", text)
	}
	return wrong("the last part of a name has letters, digits and hyphens, and not digits only", "%q ends with %q, which no name ends with", text, top)
}

func isAddress(text string) bool {
	text, _, _ = strings.Cut(text, "/")
	return text != "" && strings.Trim(text, "0123456789.") == "" || strings.Count(text, ":") > 1 && strings.Trim(mailaddr.Lower(text), "0123456789abcdef:.") == ""
}

// isTopLabel reports whether a label is a toplabel: letters, digits and hyphens, no hyphen
// at an end, and not digits only.
func isTopLabel(label string) bool {
	if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	digits := true
	for _, c := range []byte(mailaddr.Lower(label)) {
		letter := 'a' <= c && c <= 'z'
		if !letter && !isDigit(c) && c != '-' {
			return false
		}
		digits = digits && isDigit(c)
	}
	return !digits
}

// parseMacros reads a text with macros. letters are the macro letters that it may have.
func parseMacros(text, letters string) (macros, *mistake) {
	m := macros{}
	for text != "" {
		before, behind, found := strings.Cut(text, "%")
		if before != "" {
			m = append(m, piece{literal: before})
		}
		if !found {
			break
		}
		p, rest, problem := parsePiece(behind, letters)
		if problem != nil {
			return nil, problem
		}
		m, text = append(m, p), rest
	}
	return m, nil
}

// short are the macros without braces: a percent sign, a space, and a space of a URL.
var short = map[byte]string{'%': "%", '_': " ", '-': "%20"}

// parsePiece reads what stands behind a percent sign, and returns the text behind it.
func parsePiece(text, letters string) (p piece, rest string, problem *mistake) {
	if text != "" && short[text[0]] != "" {
		return piece{literal: short[text[0]]}, text[1:], nil
	}
	if !strings.HasPrefix(text, "{") {
		return p, "", wrong("write %% for a percent sign", "a percent sign has no { behind it")
	}
	body, rest, closed := strings.Cut(text[1:], "}")
	if !closed {
		return p, "", wrong("", "the macro %%%s has no }", text)
	}
	if body == "" {
		return p, "", wrong("", "the macro %%{} has no letter")
	}
	p = piece{letter: mailaddr.Lower(body[:1])[0], escape: 'A' <= body[0] && body[0] <= 'Z', delimiters: "."}
	switch known := strings.IndexByte(letters, p.letter) >= 0; {
	case !known && strings.IndexByte(inExplanations, p.letter) >= 0:
		return p, "", wrong("", "the macro %%{%s} is for the text of an explanation only (RFC 7208 7.2)", body)
	case !known:
		return p, "", wrong("the letters are s l o d i p h v", "there is no macro %%{%s}", body)
	}
	return p, rest, p.transform(body)
}

// transform reads what stands behind the letter of a macro.
func (p *piece) transform(body string) *mistake {
	text := body[1:]
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits > 0 {
		n, err := strconv.Atoi(text[:digits])
		if err != nil { // a number that no name has as many parts as
			n = 1 << 30
		}
		if p.keep = n; n == 0 {
			return wrong("", "the macro %%{%s} keeps no part", body)
		}
	}
	text = text[digits:]
	if text != "" && (text[0] == 'r' || text[0] == 'R') {
		p.reverse, text = true, text[1:]
	}
	if strings.Trim(text, ".-+,/_=") != "" {
		return wrong("", "the macro %%{%s} has %q, which is no delimiter", body, text)
	}
	if text != "" {
		p.delimiters = text
	}
	return nil
}

// expand returns the text of macros. value returns the value of a letter.
func (m macros) expand(value func(letter byte) string) string {
	var b strings.Builder
	for _, p := range m {
		if p.letter == 0 {
			b.WriteString(p.literal)
			continue
		}
		text := p.cut(value(p.letter))
		if p.escape {
			text = escapeURL(text)
		}
		b.WriteString(text)
	}
	return b.String()
}

// literal returns the text of macros that have no letters, and an empty text otherwise.
func (m macros) literal() string {
	text := ""
	for _, p := range m {
		if p.letter != 0 {
			return ""
		}
		text += p.literal
	}
	return text
}

// cut splits a value into its parts, and joins those to keep with dots.
func (p *piece) cut(value string) string {
	var parts []string
	for {
		at := strings.IndexAny(value, p.delimiters)
		if at < 0 {
			break
		}
		parts, value = append(parts, value[:at]), value[at+1:]
	}
	parts = append(parts, value)
	if p.reverse {
		for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
			parts[i], parts[j] = parts[j], parts[i]
		}
	}
	if p.keep > 0 && p.keep < len(parts) {
		parts = parts[len(parts)-p.keep:]
	}
	return strings.Join(parts, ".")
}

// escapeURL escapes all octets but unreserved ones (RFC 3986 2.3).
func escapeURL(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(text) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}
