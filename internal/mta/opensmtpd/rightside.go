package opensmtpd

import (
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
)

// A rightSide is a right side of a table of virtual addresses, as smtpd expands it
// (aliases(5)).
type rightSide struct {
	nodes   []node
	fault   string // an item that smtpd cannot read; it defers the mail
	missing string // a file that :include: names, and that is not here; smtpd refuses the mail
}

// A node is an item of a right side. One of its fields is set.
type node struct {
	user    string           // a name alone, in lower case, without its detail
	key     string           // that name with its detail
	address string           // an address
	path    string           // a file, or a program behind |
	reply   *outcome.Outcome // of error:
}

// readRightSide reads a right side. include returns the text of a file.
func readRightSide(right string, include func(path string) (text string, ok bool)) (e rightSide) {
	if len(right) > maxValue {
		return rightSide{fault: right[:20] + "…"}
	}
	for _, item := range splitItems(right) {
		e.add(item, include)
		if e.fault != "" || e.missing != "" {
			return rightSide{fault: e.fault, missing: e.missing}
		}
	}
	return e
}

// splitItems splits a right side at its commas. Characters behind a backslash and in double
// quotes stand for themselves; the quotes stay.
func splitItems(right string) (all []string) {
	var one strings.Builder
	quoted := false
	add := func() {
		if item := strings.TrimSpace(one.String()); item != "" {
			all = append(all, item)
		}
		one.Reset()
	}
	for i := 0; i < len(right); i++ {
		switch c := right[i]; {
		case c == '\\' && i+1 < len(right):
			i++
			if right[i] == '"' || right[i] == '\'' || right[i] == '\\' {
				one.WriteByte(escapedSign)
			}
			one.WriteByte(right[i])
		case c == '"':
			quoted = !quoted
			one.WriteByte(c)
		case c == ',' && !quoted:
			add()
		default:
			one.WriteByte(c)
		}
	}
	add()
	return all
}

// escapedSign is before a quote or a backslash that stands for itself.
const escapedSign = '\x00'

// add adds an item.
func (e *rightSide) add(item string, include func(path string) (string, bool)) {
	plain := item
	if len(item) > 1 && strings.HasPrefix(item, `"|`) && strings.HasSuffix(item, `"`) {
		plain = item[1 : len(item)-1]
	}
	unescaped := strings.ReplaceAll(plain, string(rune(escapedSign)), "")
	path, includes := strings.CutPrefix(item, ":include:")
	reply, refuses := strings.CutPrefix(unescaped, errorWord)
	switch {
	case includes:
		e.include(path, include)
	case strings.ContainsAny(withoutEscaped(plain), `"'`):
		e.fault = unescaped
	case refuses:
		o, ok := ownReply(reply)
		if !ok {
			e.fault = unescaped
			return
		}
		e.nodes = append(e.nodes, node{reply: &o})
	case plain[0] == '|' || plain[0] == '/':
		e.nodes = append(e.nodes, node{path: unescaped})
	default:
		n, ok := readNode(plain)
		if !ok {
			e.fault = unescaped
			return
		}
		e.nodes = append(e.nodes, n)
	}
}

// withoutEscaped returns an item without the characters that a backslash was before.
func withoutEscaped(item string) string {
	for {
		at := strings.IndexByte(item, escapedSign)
		if at < 0 || at+1 >= len(item) {
			return item
		}
		item = item[:at] + item[at+2:]
	}
}

// include adds the items of a file, one on each line. A file that it includes is passed over.
func (e *rightSide) include(path string, include func(path string) (string, bool)) {
	text, ok := include(path)
	if !ok {
		e.missing = path
		return
	}
	for _, line := range rowtext.PlainLines([]byte(text)) {
		for _, item := range splitItems(line) {
			if !strings.HasPrefix(item, ":include:") {
				e.add(item, include)
			}
			if e.fault != "" {
				e.fault = "a line of " + path // which may be secret
			}
		}
	}
}

// ownReply returns the reply of error:, which begins with a code. ok is false if smtpd
// cannot read it.
func ownReply(text string) (o outcome.Outcome, ok bool) {
	digits, behind, more := strings.Cut(text, " ")
	code, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 3 || code < 400 || code > 599 || !more {
		return o, false
	}
	return outcome.OfReply(code, behind), true
}

// readNode reads an item that is a name or an address.
func readNode(item string) (n node, ok bool) {
	local, domain, isAddress := mailaddr.Split(item)
	if !isAddress {
		local = item
	}
	odd := func(c rune) bool { return !isAtomSign(c) }
	if local == "" || strings.ContainsFunc(local, odd) || isAddress && (domain == "" || strings.ContainsFunc(domain, odd)) {
		return n, false
	}
	if isAddress {
		return node{address: item}, true
	}
	key := mailaddr.Lower(item)
	user, _, _ := cutDetail(key)
	return node{user: user, key: key}, true
}

// isAtomSign reports whether an address may have a character (RFC 5322 3.2.3).
func isAtomSign(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("!$%&'*+-/=?^_`{|}~.", c)
}
