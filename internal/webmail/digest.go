package webmail

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"virtmap/internal/message"
)

const (
	maxSnippet = 200      // bytes
	maxWords   = 64 << 10 // bytes of a message that a search looks at
)

// A digest is what lists and searches need of a message.
type digest struct {
	from                 message.Address
	to, cc, bcc, replyTo []message.Address
	subject, messageID   string
	snippet              string
	attachments, inline  int
	words                string // in lower case
	tags                 []string
}

// parsed returns the digest. The message is parsed at the first call, so that SMTP does not
// wait for it.
func (e *entry) parsed() *digest {
	e.once.Do(func() { e.digest = digestOf(e, message.Read(e.Body)) })
	return e.digest
}

func digestOf(e *entry, m *message.Mail) *digest {
	h := m.Header
	d := &digest{to: h.Addresses("To"), cc: h.Addresses("Cc"), bcc: h.Addresses("Bcc"), replyTo: h.Addresses("Reply-To"),
		subject: h.Subject(), messageID: h.MessageID(), attachments: len(m.Attachments), inline: len(m.Inline), tags: tagsOf(h)}
	if from := h.Addresses("From"); len(from) > 0 {
		d.from = from[0]
	}
	for _, r := range e.Recipients {
		if !d.names(r.Address) {
			d.bcc = append(d.bcc, message.Address{Address: r.Address})
		}
	}
	text := m.Text
	if m.HTML != "" {
		text = message.HTMLText(m.HTML)
	}
	d.snippet = snippet(text)
	words := []string{d.subject, e.From}
	for _, list := range [][]message.Address{{d.from}, d.to, d.cc, d.bcc, d.replyTo} {
		words = append(words, wordsOf(list))
	}
	for _, p := range m.Parts {
		words = append(words, p.FileName)
	}
	d.words = strings.ToLower(cut(strings.Join(append(words, text), "\n"), maxWords))
	return d
}

// names reports whether a field of the message has an address.
func (d *digest) names(address string) bool {
	for _, list := range [][]message.Address{d.to, d.cc, d.bcc} {
		if slices.ContainsFunc(list, func(a message.Address) bool { return strings.EqualFold(a.Address, address) }) {
			return true
		}
	}
	return false
}

func wordsOf(list []message.Address) string {
	var out strings.Builder
	for _, a := range list {
		out.WriteString(a.Name + " <" + a.Address + ">\n")
	}
	return out.String()
}

// snippet returns the beginning of a text in one line.
func snippet(text string) string {
	text = strings.Join(strings.Fields(cut(text, 10*maxSnippet)), " ")
	if short := cut(text, maxSnippet); short != text {
		return short + "..."
	}
	return text
}

// cut returns at most n bytes of a text, and no half of a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// tagsOf returns the tags of X-Tags, and those behind the plus of addresses.
func tagsOf(h message.Header) []string {
	var tags []string
	for tag := range strings.SplitSeq(cut(h.Get("X-Tags"), 1000), ",") {
		tags = append(tags, tag)
	}
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, a := range h.Addresses(name) {
			local, _, _ := strings.Cut(a.Address, "@")
			if _, detail, ok := strings.Cut(local, "+"); ok {
				tags = append(tags, detail)
			}
		}
	}
	return cleanTags(tags)
}

const maxTags = 100 // of a message

// cleanTags returns tags without the characters that no tag has, sorted and each once.
func cleanTags(tags []string) []string {
	clean := []string{}
	for _, tag := range tags {
		tag = strings.TrimSpace(strings.Map(func(c rune) rune {
			if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(" -_.@", c) || c >= 0xa0 && c != utf8.RuneError {
				return c
			}
			return -1
		}, cut(tag, 100)))
		if tag != "" {
			clean = append(clean, tag)
		}
	}
	slices.SortFunc(clean, func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	})
	clean = slices.CompactFunc(clean, strings.EqualFold)
	return clean[:min(len(clean), maxTags)]
}
