package route

import (
	"fmt"
	"strings"

	"virtmap/internal/outcome"
)

// A reply is a refusal of smtpd(8).
type reply struct {
	code   int
	status string
	frame  frame
	text   string
}

// A frame is what smtpd(8) puts before the text of a refusal.
type frame string

const (
	bare      frame = ""       // nothing
	named     frame = "<%s>: " // the address
	recipient frame = "<%s>: Recipient address rejected: "
	sender    frame = "Sender address rejected: " // of the stranger, whose names stand before it
	helo      frame = "Helo command rejected: "
	client    frame = "Client host rejected: "
)

const (
	badSyntax   = "Bad recipient address syntax"
	serverFault = "Server configuration error"
	lookupFault = "Temporary lookup failure"
	relayDenied = "Relay access denied"
)

var (
	syntaxError  = &reply{501, "5.1.3", bare, badSyntax}
	notUTF8      = &reply{500, "5.5.2", bare, "Error: bad UTF-8 syntax"}
	serverError  = &reply{451, "4.3.5", bare, serverFault}
	lookupError  = &reply{451, "4.3.0", named, lookupFault}
	noRestrictor = &reply{421, "4.3.0", bare, "smtpd ends: no restriction refuses mail for other domains"}
)

// outcome returns the refusal with the text that stands behind its frame.
func (p *reply) outcome() outcome.Outcome {
	text := p.text
	if p.frame == sender || p.frame == helo || p.frame == client {
		text = string(p.frame) + text
	}
	return outcome.Outcome{NotOurs: p.frame == named && p.text == relayDenied, Code: p.code, Status: p.status, Text: text}
}

// Reply returns the reply of smtpd(8) for an outcome of Route, such as
// "550 5.1.1 <a@d>: Recipient address rejected: User unknown in virtual alias table".
// Of a refusal that names the client, the name is not known and left out.
func (r *Router) Reply(addr string, o outcome.Outcome) string {
	if o.Taken {
		return "250 2.1.5 Ok"
	}
	before := recipient
	switch {
	case o.NotOurs, o.Text == lookupFault && o.Status == "4.3.0":
		before = named
	case o.Text == badSyntax && o.Code%100 == 1, o.Text == serverFault && o.Status == "4.3.5", o.Code%100 == 55, o.Text == notUTF8.text, o.Text == noRestrictor.text:
		before = bare
	case strings.HasPrefix(o.Text, string(sender)), strings.HasPrefix(o.Text, string(helo)), strings.HasPrefix(o.Text, string(client)):
		before = bare
	}
	text := string(before)
	if before != bare {
		text = fmt.Sprintf(text, internal(addr))
	}
	if o.NotOurs && o.Text == "" {
		o.Text = relayDenied
	}
	return fmt.Sprintf("%d %s %s%s", o.Code, o.Status, text, o.Text)
}

// statusLen returns the length of the enhanced status code at the beginning of a text;
// 0: there is none.
func statusLen(s string) int {
	if len(s) < 5 || s[0] != '2' && s[0] != '4' && s[0] != '5' || s[1] != '.' {
		return 0
	}
	i := 2
	for _, last := range []bool{false, true} {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if i == from || i-from > 3 {
			return 0
		}
		if !last {
			if i == len(s) || s[i] != '.' {
				return 0
			}
			i++
		} else if i < len(s) && strings.IndexByte(" \t\n\v\f\r", s[i]) < 0 {
			return 0
		}
	}
	return i
}

// cutStatus cuts the enhanced status code from a text.
func cutStatus(s, usual string) (status, text string) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	if n := statusLen(s); n > 0 {
		return s[:n], strings.TrimLeft(s[n:], " \t\n\v\f\r")
	}
	return usual, s
}

// ofAddress turns a status about a sender into one about a recipient, as smtpd(8) does
// for a refusal of a recipient. A refusal of anything else has no status about an
// address.
func ofAddress(status string, f frame) string {
	if len(status) < 4 || status[1:4] != ".1." {
		return status
	}
	if f == sender {
		return map[string]string{"2": "4.1.8", "3": "4.1.7", "5": "4.1.0", "7": "4.1.7", "8": "4.1.8"}[status[4:]]
	}
	if f != recipient {
		return "4.0.0"
	}
	switch micro := status[4:]; micro {
	case "1", "2", "3", "4", "5", "6":
		return "4.1." + micro
	case "7":
		return "4.1.3"
	case "8":
		return "4.1.2"
	}
	return "4.1.0"
}
