package message

import (
	"bytes"
	"mime"
	"net/mail"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html/charset"
)

// A Header has the fields of a message or a part, in their order.
type Header []Field

// A Field is one field. Its name has the usual capitals (Message-Id), and its value is
// undecoded, in one line.
type Field struct{ Name, Value string }

// An Address is a mailbox in a field.
type Address struct {
	Name    string // decoded
	Address string
}

// cutHeader reads the header before the first empty line, and returns the rest.
func (r *reader) cutHeader(raw []byte) (header Header, rest []byte) {
	name, value, size := "", []byte(nil), 0
	keep := func() {
		if name != "" {
			header = append(header, Field{name, string(value)})
		}
		name = ""
	}
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		if size += len(line); size > maxHeader || len(header) >= maxFields {
			r.fault("a header is longer than %d bytes or %d fields, and not all of it is read", maxHeader, maxFields)
			continue
		}
		if line[0] == ' ' || line[0] == '\t' {
			value = append(append(value, ' '), bytes.TrimSpace(line)...)
			continue
		}
		keep()
		before, after, ok := bytes.Cut(line, []byte(":"))
		before = bytes.TrimRight(before, " \t")
		if !ok || len(before) == 0 {
			r.fault("a line of a header has no name")
			continue
		}
		name, value = textproto.CanonicalMIMEHeaderKey(string(before)), append([]byte(nil), bytes.TrimSpace(after)...)
	}
	keep()
	return header, raw
}

// Get returns the first value of a field, or an empty text. The name has the usual
// capitals.
func (h Header) Get(name string) string {
	for _, f := range h {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Map returns the values by name.
func (h Header) Map() map[string][]string {
	all := map[string][]string{}
	for _, f := range h {
		all[f.Name] = append(all[f.Name], f.Value)
	}
	return all
}

// Subject returns the decoded subject.
func (h Header) Subject() string { return DecodeWords(h.Get("Subject")) }

// MessageID returns the Message-ID without < and >.
func (h Header) MessageID() string { return strings.Trim(h.Get("Message-Id"), " <>") }

// Date returns the date of the message, with the zone of its sender.
func (h Header) Date() (time.Time, bool) {
	value := h.Get("Date")
	if len(value) > maxParsed {
		return time.Time{}, false
	}
	at, err := mail.ParseDate(value)
	return at, err == nil && at.Year() > 0 && at.Year() < 10_000
}

// Addresses returns the mailboxes of all fields with a name, such as To. A mailbox that is
// malformed is returned as it stands.
func (h Header) Addresses(name string) (all []Address) {
	for _, f := range h {
		if f.Name == name && f.Value != "" {
			all = append(all, addresses(f.Value)...)
		}
	}
	return all
}

func addresses(list string) (all []Address) {
	if len(list) > maxParsed {
		list = strings.ToValidUTF8(list[:maxParsed], "")
	}
	parser := mail.AddressParser{WordDecoder: decoder}
	if found, err := parser.ParseList(list); err == nil {
		for _, a := range found {
			all = append(all, Address{a.Name, a.Address})
		}
		return all
	}
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		switch a, err := parser.Parse(one); {
		case err == nil:
			all = append(all, Address{a.Name, a.Address})
		case one != "":
			all = append(all, loose(one))
		}
	}
	return all
}

// loose reads a mailbox that is malformed.
func loose(text string) Address {
	name, rest, ok := strings.Cut(text, "<")
	if !ok {
		return Address{Address: withoutControls(DecodeWords(text))}
	}
	inner, _, _ := strings.Cut(rest, ">")
	return Address{Name: withoutControls(DecodeWords(strings.Trim(name, ` "`))), Address: withoutControls(strings.TrimSpace(inner))}
}

// decoder decodes encoded words in every charset that browsers know.
var decoder = &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}

// DecodeWords decodes the encoded words (RFC 2047) of a text. Bytes that are no UTF-8 are
// read as Latin 1.
func DecodeWords(text string) string {
	text = latin(text)
	if len(text) > maxParsed {
		return text
	}
	if decoded, err := decoder.DecodeHeader(text); err == nil {
		return strings.ToValidUTF8(decoded, "\ufffd")
	}
	return text
}

// mediaType reads a Content-Type or a Content-Disposition. Go's parser refuses a field for
// one parameter that is malformed, and drops one in another charset than UTF-8; these are
// looked for again.
func mediaType(value string) (kind string, params map[string]string) {
	if len(value) > maxParsed {
		value = value[:maxParsed]
	}
	kind, params, err := mime.ParseMediaType(value)
	if params == nil {
		params = map[string]string{}
	}
	if err != nil {
		kind, _, _ = strings.Cut(value, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	for _, name := range []string{"boundary", "charset", "name", "filename"} {
		if params[name] == "" {
			params[name] = findParam(value, name)
		}
	}
	if strings.Contains(kind, "/") && !isType(kind) {
		return "application/octet-stream", params
	}
	return kind, params
}

// isType reports whether a text is a type that a reply may repeat.
func isType(kind string) bool {
	main, sub, _ := strings.Cut(kind, "/")
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$&-^_.+", c))
	}
	return main != "" && sub != "" && !strings.ContainsFunc(main, odd) && !strings.ContainsFunc(sub, odd)
}

// findParam looks for a parameter in a field that is malformed otherwise, and for the form
// name*=charset'language'text.
func findParam(value, name string) string {
	for piece := range strings.SplitSeq(value, ";") {
		key, text, ok := strings.Cut(piece, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		text = strings.Trim(strings.TrimSpace(text), `"`)
		switch {
		case ok && key == name:
			return text
		case ok && key == name+"*":
			if fields := strings.SplitN(text, "'", 3); len(fields) == 3 {
				if bytes, err := url.PathUnescape(fields[2]); err == nil {
					out, _ := toUTF8([]byte(bytes), fields[0])
					return out
				}
			}
		}
	}
	return ""
}
