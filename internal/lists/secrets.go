package lists

import (
	"strings"
	"unicode/utf8"
)

// hidden stands for a text that is not shown.
const hidden = "{…}"

// WithoutSecrets returns a text in which {…} stands for all that looks like the hash of a
// password, or like a password behind its scheme:
//
//	{SHA512-CRYPT}$6$salt$hash  a scheme of Dovecot
//	$6$salt$hash                a hash of crypt(5), of argon2 or of bcrypt
//
// A hash ends before a blank, a colon or a bar. A password behind {PLAIN}, {CLEAR} or
// {CLEARTEXT} may have blanks: it ends before a colon, a bar or the end of the line.
func WithoutSecrets(text string) string {
	if strings.IndexByte(text, '{') < 0 && strings.IndexByte(text, '$') < 0 {
		return text
	}
	var safe strings.Builder
	done := 0
	for i := 0; i < len(text); {
		end := secretEnd(text, i)
		if end == 0 {
			i++
			continue
		}
		safe.WriteString(text[done:i])
		safe.WriteString(hidden)
		done, i = end, end
	}
	if done == 0 {
		return text
	}
	safe.WriteString(text[done:])
	return safe.String()
}

// hasSecret reports whether WithoutSecrets would change a text.
func hasSecret(text string) bool {
	for i := 0; i < len(text); i++ {
		if (text[i] == '{' || text[i] == '$') && secretEnd(text, i) > 0 {
			return true
		}
	}
	return false
}

// secretEnd returns where the secret ends that begins at a place, or 0.
func secretEnd(text string, at int) int {
	closing := byte('}')
	switch text[at] {
	case '{':
		if at > 0 && text[at-1] == '$' {
			return 0 // ${name}
		}
	case '$':
		closing = '$'
	default:
		return 0
	}
	i := at + 1
	for i < len(text) && i-at <= 32 && isSchemeByte(text[i]) {
		i++
	}
	if i == at+1 || i >= len(text) || text[i] != closing {
		return 0
	}
	ends := " \t\r\n\v\f:|"
	switch strings.ToUpper(text[at+1 : i]) {
	case "PLAIN", "CLEAR", "CLEARTEXT":
		ends = "\r\n:|"
	}
	end := strings.IndexAny(text[i+1:], ends)
	if end < 0 {
		end = len(text) - i - 1
	}
	if strings.TrimSpace(text[i+1:i+1+end]) == "" {
		return 0
	}
	return i + 1 + end
}

// isSchemeByte reports whether a byte may stand in the name of a scheme.
func isSchemeByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// account returns the name in a line of accounts, such as address|hash or
// address:hash:uid:gid, or an empty text. What stands behind the name may be a password
// as it is typed.
func account(line string) string {
	end := strings.IndexAny(line, "|:"+white)
	if end <= 0 || end+1 >= len(line) || isWhite(line[end]) || isWhite(line[end+1]) || strings.ContainsAny(line[:end], "/,;\"[(") {
		return "" // as in "address: target"
	}
	switch {
	case strings.IndexByte(line[:end], '@') > 0, line[end] == '|':
		return line[:end]
	case strings.Count(line, ":") >= 5 && !strings.Contains(line, ":include:"): // passwd(5)
		return line[:end]
	}
	return ""
}

// safe returns a text in one line of UTF-8 without secrets.
func safe(text string) string {
	text = strings.TrimSpace(strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' {
			return ' '
		}
		return c
	}, inUTF8(text)))
	begin := strings.TrimLeft(text, "#"+white)
	if name := account(begin); name != "" {
		text = text[:len(text)-len(begin)+len(name)+1] + hidden
	}
	return WithoutSecrets(text)
}

// inUTF8 returns a text that is not in UTF-8 as if it were in ISO 8859-1.
func inUTF8(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		out.WriteRune(rune(text[i]))
	}
	return out.String()
}
