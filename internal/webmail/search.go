package webmail

import (
	"strconv"
	"strings"
	"time"

	"virtmap/internal/message"
)

// maxQuery is the length in bytes of a query.
const maxQuery = 10_000

// A term is one word of a query.
type term func(v *view) bool

// query parses a query in the words of Mailpit. All its terms must match; - or ! before one
// negates it; quotes hold words together; capitals do not matter. A term whose value is
// empty or cannot be read is left out. Beside Mailpit's terms there are:
//
//	rcpt:bea@     a recipient of the envelope
//	ends:andrei   a mailbox where the mail of a recipient ends
//	refused:old@  a recipient that was refused beside the accepted ones
//
// zone is the zone of dates without one.
func query(text string, zone *time.Location) (terms []term) {
	for _, word := range words(strings.ToLower(cut(text, maxQuery))) {
		not := len(word) > 1 && (word[0] == '-' || word[0] == '!')
		if not {
			word = word[1:]
		}
		t := termOf(word, zone)
		switch {
		case t == nil:
		case not:
			terms = append(terms, func(v *view) bool { return !t(v) })
		default:
			terms = append(terms, t)
		}
	}
	return terms
}

// words splits a query at the blanks outside quotes, and removes the quotes.
func words(text string) (all []string) {
	var word strings.Builder
	quoted := false
	for _, c := range text + " " {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if word.Len() > 0 {
				all = append(all, word.String())
			}
			word.Reset()
		default:
			word.WriteRune(c)
		}
	}
	if word.Len() > 0 {
		all = append(all, strings.TrimSpace(word.String())) // a quote is not closed
	}
	return all
}

// lists are the terms that look for a text in lists of addresses.
var lists = map[string]func(d *digest) [][]message.Address{
	"from":     func(d *digest) [][]message.Address { return [][]message.Address{{d.from}} },
	"to":       func(d *digest) [][]message.Address { return [][]message.Address{d.to} },
	"cc":       func(d *digest) [][]message.Address { return [][]message.Address{d.cc} },
	"bcc":      func(d *digest) [][]message.Address { return [][]message.Address{d.bcc} },
	"reply-to": func(d *digest) [][]message.Address { return [][]message.Address{d.replyTo} },
	"addressed": func(d *digest) [][]message.Address {
		return [][]message.Address{{d.from}, d.to, d.cc, d.bcc, d.replyTo}
	},
}

// termOf returns the term of a word, or nil for a term without effect.
func termOf(word string, zone *time.Location) term {
	name, value, ok := strings.Cut(word, ":")
	plain := func(v *view) bool { return strings.Contains(v.parsed().words, word) }
	if !ok {
		return plain
	}
	value = strings.TrimSpace(value)
	if of := lists[name]; of != nil {
		return whole(value, func(v *view) bool {
			for _, list := range of(v.parsed()) {
				if strings.Contains(strings.ToLower(wordsOf(list)), value) {
					return true
				}
			}
			return false
		})
	}
	switch name {
	case "subject":
		return whole(value, func(v *view) bool { return strings.Contains(strings.ToLower(v.parsed().subject), value) })
	case "message-id":
		return whole(value, func(v *view) bool { return strings.Contains(strings.ToLower(v.parsed().messageID), value) })
	case "tag":
		return whole(value, func(v *view) bool { return containsFold(v.tags, value) })
	case "rcpt", "ends", "refused":
		return whole(value, func(v *view) bool { return envelopeHas(v, name, value) })
	case "is", "has":
		return stateTerm(name + ":" + value)
	case "after", "before":
		at, ok := readDate(value, zone)
		if !ok {
			return nil
		}
		return func(v *view) bool { return v.arrived.Before(at) == (name == "before") }
	case "larger", "smaller":
		n, ok := readSize(value)
		if !ok {
			return nil
		}
		return func(v *view) bool { return name == "larger" && len(v.Body) > n || name == "smaller" && len(v.Body) < n }
	}
	return plain
}

// whole returns a term, or nil if its value is empty.
func whole(value string, t term) term {
	if value == "" {
		return nil
	}
	return t
}

func stateTerm(word string) term {
	switch word {
	case "is:read":
		return func(v *view) bool { return v.read }
	case "is:unread":
		return func(v *view) bool { return !v.read }
	case "is:tagged":
		return func(v *view) bool { return len(v.tags) > 0 }
	case "has:attachment", "has:attachments":
		return func(v *view) bool { return v.parsed().attachments > 0 }
	case "has:inline", "has:inlines":
		return func(v *view) bool { return v.parsed().inline > 0 }
	}
	return nil
}

// envelopeHas looks for a text in what only the envelope knows.
func envelopeHas(v *view, name, value string) bool {
	for _, e := range v.ends {
		if name == "rcpt" && strings.Contains(strings.ToLower(e.Address), value) || name == "ends" && containsFold(e.Mailboxes, value) {
			return true
		}
	}
	for _, r := range v.refused {
		if name == "refused" && strings.Contains(strings.ToLower(r.Address), value) {
			return true
		}
	}
	return false
}

func containsFold(all []string, one string) bool {
	for _, s := range all {
		if strings.EqualFold(s, one) {
			return true
		}
	}
	return false
}

// readDate reads a date, or a date with a time. The text is in lower case.
func readDate(text string, zone *time.Location) (time.Time, bool) {
	text = strings.ToUpper(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02",
		"2006-01-02 15:04:05 -0700", "2006-01-02 15:04 MST"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// readSize reads a number of bytes such as 500, 1k or 2mb. The text is in lower case.
func readSize(text string) (int, bool) {
	text = strings.TrimSuffix(text, "b")
	factor := 1.0
	for unit, f := range map[string]float64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			text, factor = rest, f
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n < 1e12) {
		return 0, false
	}
	return int(n * factor), true
}

// matching returns the views for which all terms are true.
func matching(views []view, terms []term) (found []view) {
	for i := range views {
		ok := true
		for _, t := range terms {
			ok = ok && t(&views[i])
		}
		if ok {
			found = append(found, views[i])
		}
	}
	return found
}
