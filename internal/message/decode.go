package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// decoded decodes the content of a part. What cannot be decoded is named, and everything
// before it is returned.
func (r *reader) decoded(body []byte, encoding string) []byte {
	switch encoding = strings.ToLower(strings.TrimSpace(encoding)); encoding {
	case "base64":
		out, whole := fromBase64(body)
		if !whole {
			r.fault("the base64 of a part is damaged")
		}
		return out
	case "quoted-printable":
		out, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		if err != nil {
			r.fault("the quoted-printable of a part is damaged")
		}
		return out
	case "", "7bit", "8bit", "binary":
	default:
		r.fault("the encoding %.40q is unknown, and the part is shown as it came", encoding)
	}
	return body
}

// fromBase64 decodes base64, and skips characters that do not belong to it (RFC 2045
// section 6.8).
func fromBase64(body []byte) (out []byte, whole bool) {
	text := make([]byte, 0, len(body))
	whole = true
	for i, c := range body {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '+', c == '/':
			text = append(text, c)
			continue
		case c == '=': // the end; a list's footer may follow
			whole = whole && len(bytes.TrimLeft(body[i:], "= \t\r\n")) == 0
		case c == ' ', c == '\t', c == '\r', c == '\n':
			continue
		default:
			whole = false
			continue
		}
		break
	}
	if len(text)%4 == 1 {
		text, whole = text[:len(text)-1], false
	}
	n, err := base64.RawStdEncoding.Decode(text, text)
	return text[:n], whole && err == nil
}

// text returns the content of a part as UTF-8.
func (r *reader) text(p *Part) string {
	out, known := toUTF8(p.Content, p.charset)
	if !known {
		r.fault("the charset %.40q is unknown or wrong, and the text is shown as Latin 1", p.charset)
	}
	return out
}

// toUTF8 returns a text as UTF-8. Without a charset, and with an unknown or wrong one, bytes
// that are no UTF-8 are read as Latin 1.
func toUTF8(text []byte, label string) (out string, known bool) {
	switch label = strings.ToLower(strings.TrimSpace(label)); label {
	case "", "utf-8", "utf8", "us-ascii":
		return latin(string(text)), utf8.Valid(text)
	}
	encoding, name := charset.Lookup(label)
	if encoding == nil || name == "replacement" {
		return latin(string(text)), false
	}
	decoded, err := encoding.NewDecoder().Bytes(text)
	if err != nil {
		return latin(string(text)), false
	}
	return string(decoded), true
}

// latin returns UTF-8 as it is, and other text read as Latin 1.
func latin(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var out strings.Builder
	for i := range len(text) {
		out.WriteRune(rune(text[i]))
	}
	return out.String()
}
