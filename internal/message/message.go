// Package message reads a mail message (RFC 5322, RFC 2045 to 2047, RFC 2231) for people
// who look at it: its fields, its text, its HTML and its attachments. It reads every
// message: what is malformed is read as well as possible, and named in Mail.Faults.
//
//	m := message.Read(raw)
//	fmt.Println(m.Header.Subject(), m.Text, len(m.Attachments))
//
// A message may be hostile, so everything has a limit: the fields of a header, the depth
// and the number of the parts. The time grows with the size of the message, and the
// decoded parts need no more memory than the message; a text in another charset than
// UTF-8 may need three times as much.
//
// Clean makes HTML safe to show in a sandboxed frame, and HTMLText makes text of it.
package message

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of a message.
const (
	maxDepth  = 30        // multiparts in each other
	maxParts  = 1000      // parts of a message
	maxFields = 1000      // fields of one header
	maxHeader = 256 << 10 // bytes of one header
	maxParsed = 16 << 10  // bytes of a field whose parts are read, such as an address list
	maxFaults = 50        // faults that are kept
)

// A Mail is a message that was read.
type Mail struct {
	Header Header
	Text   string // the plain text; several texts are joined by a line end
	HTML   string // the HTML, in UTF-8 and otherwise as sent

	Inline      []*Part // parts that the HTML shows, such as images
	Attachments []*Part // the other parts
	Parts       []*Part // all parts that are no multipart, in the order of the message

	Faults []string // what is malformed, each once
}

// A Part is a part that is no multipart.
type Part struct {
	ID          string // such as 2 or 1.2.2; 0 for a message that is one part
	Type        string // in lower case and without parameters, such as image/png
	FileName    string // empty: the message gives none
	ContentID   string // without < and >
	Disposition string // inline, attachment or empty
	Content     []byte // decoded

	charset string
}

// Read reads a message.
func Read(raw []byte) *Mail {
	r := reader{mail: &Mail{}}
	header, body := r.cutHeader(raw)
	r.mail.Header = header
	r.part(header, body, "", "", 0)
	return r.mail
}

// A reader reads one message.
type reader struct {
	mail  *Mail
	parts int
}

// fault notes what is malformed.
func (r *reader) fault(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(r.mail.Faults) < maxFaults && !slices.Contains(r.mail.Faults, text) {
		r.mail.Faults = append(r.mail.Faults, text)
	}
}

// part reads a part and the parts in it. within is the type of the multipart around it.
func (r *reader) part(header Header, body []byte, id, within string, depth int) {
	kind, params := mediaType(header.Get("Content-Type"))
	if kind == "" {
		kind = "text/plain"
	}
	if !strings.HasPrefix(kind, "multipart/") {
		r.leaf(header, body, id, kind, params, within)
		return
	}
	boundary := params["boundary"]
	switch {
	case boundary == "":
		r.fault("a %s without a boundary is read as text", kind)
		r.leaf(header, body, id, "text/plain", params, within)
		return
	case depth == maxDepth:
		r.fault("parts below depth %d are not read", maxDepth)
		r.leaf(header, body, id, "application/octet-stream", nil, within)
		return
	}
	n := 0
	closed := split(body, boundary, func(piece []byte) bool {
		if r.parts == maxParts {
			r.fault("parts behind the first %d are not read", maxParts)
			return false
		}
		r.parts++
		n++
		inner, rest := r.cutHeader(piece)
		r.part(inner, rest, strings.TrimPrefix(id+"."+strconv.Itoa(n), "."), kind, depth+1)
		return true
	})
	if n == 0 && r.parts < maxParts {
		r.fault("a %s without parts is read as text", kind)
		r.leaf(header, body, id, "text/plain", params, within)
	} else if !closed {
		r.fault("a %s has no end", kind)
	}
}

// split passes on the pieces of a multipart until each returns false. It reports whether
// the last boundary was there.
func split(body []byte, boundary string, each func(piece []byte) bool) (closed bool) {
	delimiter := []byte("--" + boundary)
	start := -1 // of the present piece
	for at := 0; ; {
		i := bytes.Index(body[at:], delimiter)
		if i < 0 {
			if start >= 0 {
				each(body[start:])
			}
			return false
		}
		i += at
		at = i + len(delimiter)
		end, last, is := delimiterEnd(body[at:])
		if !is || i > 0 && body[i-1] != '\n' {
			continue
		}
		if start >= 0 && !each(withoutLineEnd(body[start:max(start, i)])) || last {
			return true
		}
		at += end
		start = at
	}
}

// delimiterEnd looks at what stands behind a boundary, and returns the offset of the next
// line. A boundary may have blanks behind it, and the last one has two dashes.
func delimiterEnd(rest []byte) (end int, last, is bool) {
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	end = min(len(line)+1, len(rest))
	line = bytes.TrimRight(line, " \t\r")
	if bytes.HasPrefix(line, []byte("--")) {
		return end, true, true
	}
	return end, false, len(line) == 0
}

func withoutLineEnd(piece []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(piece, []byte("\n")), []byte("\r"))
}

// leaf reads a part that is no multipart, and decides what it is for.
func (r *reader) leaf(header Header, body []byte, id, kind string, params map[string]string, within string) {
	disposition, more := mediaType(header.Get("Content-Disposition"))
	name := more["filename"]
	if name == "" {
		name = params["name"]
	}
	p := &Part{ID: id, Type: kind, Disposition: disposition, charset: params["charset"],
		FileName: withoutControls(DecodeWords(name)), ContentID: strings.Trim(header.Get("Content-Id"), " <>")}
	if id == "" {
		p.ID = "0"
	}
	p.Content = r.decoded(body, header.Get("Content-Transfer-Encoding"))
	m := r.mail
	m.Parts = append(m.Parts, p)
	shown := disposition != "attachment" && p.FileName == ""
	named := p.FileName != "" || p.ContentID != ""
	switch {
	case shown && kind == "text/plain":
		m.Text = joined(m.Text, r.text(p))
	case shown && kind == "text/html":
		m.HTML = joined(m.HTML, r.text(p))
	case disposition == "inline" && named, disposition == "" && within == "multipart/related":
		m.Inline = append(m.Inline, p)
	default:
		m.Attachments = append(m.Attachments, p)
	}
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return strings.TrimRight(a, "\r\n") + "\n" + b
}

// Part returns the part with an ID, or nil.
func (m *Mail) Part(id string) *Part {
	for _, p := range m.Parts {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// ByContentID returns the part that cid: in HTML names, or nil.
func (m *Mail) ByContentID(id string) *Part {
	for _, p := range m.Parts {
		if id != "" && strings.EqualFold(p.ContentID, id) {
			return p
		}
	}
	return nil
}

func withoutControls(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || 0x7f <= c && c < 0xa0 {
			return -1
		}
		return c
	}, text)
}
