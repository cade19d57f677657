package inventory

import (
	"regexp"
	"strconv"
	"strings"
)

// Indexes of the refusals that every Model has.
const (
	refusedUnknown = iota
	refusedForNow
	fixedRefusals
)

var (
	unknownUser = Refusal{Code: 550, Status: "5.1.1", Text: "User unknown"}
	tryLater    = Refusal{Code: 450, Status: "4.2.1", Text: "Mailbox is not available now"}
)

// A rawRefusal is the mapping of a refusal while it is read.
type rawRefusal struct{ code, status, text Name }

// refusal reads the value of reject: or defer:.
func (r *reader) refusal(v value, word, what string) Target {
	refusal := unknownUser
	if word == "defer" {
		refusal = tryLater
	}
	var raw rawRefusal
	switch {
	case v.isMapping():
		readMapping(r, v, word, refusalKeys, &raw)
	default:
		var ok bool
		if raw.text, ok = r.scalar(v, "the text of "+word); !ok {
			return Target{}
		}
	}
	if !r.refusalCodes(raw, word, &refusal) || !r.refusalText(raw.text, &refusal) {
		return Target{}
	}
	r.model.Refusals = append(r.model.Refusals, refusal)
	return Target{Kind: Refused, Index: uint32(len(r.model.Refusals) - 1), Pos: v.pos()}
}

func (r *reader) refusalCodes(raw rawRefusal, word string, into *Refusal) bool {
	class := into.Status[0]
	if code := raw.code; code.Text != "" {
		n, err := strconv.Atoi(code.Text)
		if err != nil || len(code.Text) != 3 || code.Text[0] != class || n%100 >= 60 {
			r.fault(checkRefusal.At(code.Pos, len(code.Text), "%s has the reply code %q", word, code.Text).
				WithHelp("reject takes 500 to 559, defer 400 to 459; without a code it is %d", into.Code))
			return false
		}
		into.Code = n
	}
	if status := raw.status; status.Text != "" {
		if !validStatus(status.Text) || status.Text[0] != class {
			r.fault(checkRefusal.At(status.Pos, len(status.Text), "%s has the status %q", word, status.Text).
				WithHelp("write %c.subject.detail of RFC 3463, such as %s: its class agrees with the reply code", class, into.Status))
			return false
		}
		into.Status = status.Text
	}
	return true
}

// validStatus reports whether a status has the form class.subject.detail (RFC 3463
// section 2).
func validStatus(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || parts[0] != "4" && parts[0] != "5" {
		return false
	}
	for _, part := range parts {
		if n, err := strconv.Atoi(part); err != nil || n < 0 || len(part) > 3 || strconv.Itoa(n) != part {
			return false
		}
	}
	return true
}

// maxRefusalText keeps the reply line, with an address in it, below 512 bytes (RFC 5321
// 4.5.3.1.5).
const maxRefusalText = 150

var (
	codeInText = regexp.MustCompile(`^(?:[245]\d\d|[245]\.\d+\.\d+)(?:\D|$)`)
	boolWord   = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|~)$`)
)

func (r *reader) refusalText(text Name, into *Refusal) bool {
	if text.Text == "" {
		return true
	}
	at := strings.IndexFunc(text.Text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' || c == '`' })
	switch {
	case at >= 0:
		r.fault(checkRefusal.At(text.Pos, len(text.Text), "the text %q has %s in it", text.Text, strconv.QuoteRune([]rune(text.Text[at:])[0])).
			WithHelp("printable ASCII without \", \\ and ` reaches the sender unharmed"))
	case strings.TrimSpace(text.Text) != text.Text:
		r.fault(checkRefusal.At(text.Pos, len(text.Text), "the text %q begins or ends with a blank", text.Text).
			WithHelp("write it without"))
	case codeInText.MatchString(text.Text):
		r.fault(checkRefusal.At(text.Pos, len(text.Text), "the text %q begins with a reply code", text.Text).
			WithHelp("codes have keys of their own: {code: 550, status: 5.1.1, text: \"gone\"}"))
	case boolWord.MatchString(text.Text):
		r.fault(checkRefusal.At(text.Pos, len(text.Text), "reject and defer have a text, not %q", text.Text).
			WithHelp("take it out: write reject or defer alone, or the text that the sender is to read"))
	case len(text.Text) > maxRefusalText:
		r.fault(checkRefusal.At(text.Pos, len(text.Text), "the text has %d characters; %d fit into a reply", len(text.Text), maxRefusalText).
			WithHelp("say it shorter"))
	default:
		into.Text, into.Given = text.Text, true
		return true
	}
	return false
}
