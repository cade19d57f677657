package virtuser

import (
	"slices"
	"strings"
)

// isErrorRow reports whether a right side has one of the two forms that ruleset Parse1
// takes for an error: error:D.S.N:text and error:word text.
func isErrorRow(t []string) bool {
	return len(t) >= 2 && strings.EqualFold(t[0], "error") && t[1] == ":"
}

// errorReply returns the reply of an error: row (sendmail/parseaddr.c, buildaddr). A
// text must begin with a reply code. A status within the text wins over the status of
// the row. If the row has no text, the pattern of the ruleset continues into the
// address.
func errorReply(row, address []string) *refusal {
	t := row[2:]
	if len(t) < 2 || len(t) == 6 && isThreePart(t) {
		t = slices.Concat(t, []string{">"}, address)
	}
	status, text := t[0], t[1:]
	if isThreePart(t) {
		status, text = t[0]+"."+t[2]+"."+t[4], t[6:]
	}
	words := stripQuotes(joined(text, ' '))
	code, rest, ok := replyCode(words)
	if !ok {
		return &refusal{553, "5.3.0", words}
	}
	if first, behind, found := strings.Cut(rest, " "); found && isStatus(first) {
		return &refusal{code, first, behind}
	}
	if !isStatus(status) {
		status = string(words[0]) + ".0.0"
	}
	return &refusal{code, status, rest}
}

func isThreePart(t []string) bool {
	return len(t) >= 6 && t[1] == "." && t[3] == "." && t[5] == ":"
}

// replyCode splits "550 text".
func replyCode(text string) (code int, rest string, ok bool) {
	if len(text) < 4 || text[3] != ' ' {
		return 0, "", false
	}
	for _, c := range []byte(text[:3]) {
		if c < '0' || c > '9' {
			return 0, "", false
		}
		code = 10*code + int(c-'0')
	}
	return code, text[4:], true
}

// isStatus reports whether a text is an enhanced status code: class 2, 4 or 5 and two
// numbers of at most three digits (sendmail/util.c, isenhsc).
func isStatus(text string) bool {
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != "2" && parts[0] != "4" && parts[0] != "5" {
		return false
	}
	for _, part := range parts[1:] {
		if part == "" || len(part) > 3 || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}
