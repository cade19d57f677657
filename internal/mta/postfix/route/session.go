package route

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A session is the part of an SMTP session about one recipient.
type session struct {
	*walk
	address string // in internal form
	to      target // folded

	depth           int
	warnOnly        int // the depth from which refusals are only logged; 0: none
	ifPermit        *reply
	ifReject        *reply
	discards, holds bool
	redirect        string
	bcc             []string
	checkedUnlisted bool
}

// rcpt returns the refusal of an address; nil: the reply is 250.
func (s *session) rcpt(addr string) *reply {
	if s.r.noGuard {
		return noRestrictor
	}
	if !utf8.ValidString(addr) {
		return s.soften(notUTF8)
	}
	text, refusal := s.argument(addr)
	if refusal != nil {
		return s.soften(refusal)
	}
	if refusal := s.extract(text); refusal != nil {
		return s.soften(refusal)
	}
	if s.r.isProbe(s.address) {
		return nil
	}
	return s.check()
}

// soften applies soft_bounce.
func (s *session) soften(p *reply) *reply {
	if !s.r.softBounce || p.code < 500 {
		return p
	}
	soft := *p
	soft.code -= 100
	soft.status = "4" + soft.status[1:]
	return &soft
}

// argument cuts the argument of RCPT TO: as smtpd(8) does.
func (s *session) argument(addr string) (string, *reply) {
	line := "<" + addr + ">"
	if most := s.r.lineLimit - len("RCPT TO:"); len(line) > most {
		line = line[:max(most, 0)]
	}
	var first string
	for i := 0; i < len(line); {
		word, end, complete := word(line, i)
		if i = end; word == "" {
			continue
		}
		if first == "" {
			if first = word; !complete {
				return "", syntaxError
			}
			continue
		}
		if s.extract(first) != nil {
			return "", syntaxError
		}
		return "", &reply{555, "5.5.4", bare, "Unsupported option: " + word}
	}
	return first, nil
}

// word cuts a word of an SMTP command. complete is false if a < or a quote has no end.
func word(line string, i int) (text string, end int, complete bool) {
	start := i
	for complete = true; i < len(line); {
		c := line[i]
		i++
		switch {
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			return line[start : i-1], i, complete
		case c == '<' || c == '"':
			wanted := byte('>')
			if c == '"' {
				wanted = c
			}
			if i = matched(line, i, wanted); i < 0 {
				return line[start:], len(line), false
			}
		case c == '\\':
			i++
		}
	}
	return line[start:], len(line), complete
}

// matched returns the offset behind the mate of a < or a quote; -1: there is none.
func matched(line string, i int, wanted byte) int {
	stack := []byte{wanted}
	for i < len(line) {
		c := line[i]
		i++
		switch wanted = stack[len(stack)-1]; {
		case c == '\\':
			i++
		case c == wanted:
			if stack = stack[:len(stack)-1]; len(stack) == 0 {
				return i
			}
		case c == '"' || c == '<' && wanted == '>':
			stack = append(stack, map[byte]byte{'"': '"', '<': '>'}[c])
		}
	}
	return -1
}

// extract reads the address of an argument.
func (s *session) extract(text string) *reply {
	inner := text
	if strings.HasPrefix(text, "<") && strings.HasSuffix(text, ">") {
		inner = text[1 : len(text)-1]
	}
	if _, ok := simple(inner); ok && inner[0] != '-' {
		s.address = inner
	} else {
		addr, number, rest := extracted(inner)
		if s.address = addr; number > 1 || s.r.strictEnvelope && (rest > 0 || !strings.HasPrefix(text, "<") || strings.HasPrefix(addr, "@")) {
			return syntaxError
		}
	}
	if s.address == "" {
		return syntaxError
	}
	s.to = s.resolve(s.r.canonical(s.address)).folded()
	if s.to.bad || ascii(text) && !ascii(s.to.domain()) {
		return syntaxError
	}
	return nil
}

// extracted returns the last address of a text in internal form, the number of
// addresses, and the number of other words.
func extracted(text string) (addr string, number, rest int) {
	if strings.HasPrefix(text, "@") {
		if colon := strings.IndexByte(text, ':'); colon >= 0 {
			text = text[colon+1:]
		}
	}
	addrs, rest := parse(text)
	if len(addrs) == 0 {
		return "", 0, rest
	}
	return plain(addrs[len(addrs)-1], false), len(addrs), rest
}

// internal returns the form in which replies show an address.
func internal(addr string) string {
	if _, ok := simple(addr); ok {
		return addr
	}
	internal, _, _ := extracted(addr)
	return internal
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] > 127 {
			return false
		}
	}
	return true
}

// isProbe reports whether an address is the sender of probes of verify(8), which is
// accepted without any check.
func (r *Router) isProbe(addr string) bool {
	if r.verifySender == "" || r.verifySender == "<>" {
		return false
	}
	return strings.EqualFold(addr, r.canonical(unquote(r.verifySender)))
}

// check applies the lists of restrictions in the order in which smtpd(8) runs them.
func (s *session) check() *reply {
	if strings.EqualFold(s.address, "postmaster") {
		return nil
	}
	for i, list := range s.r.stages {
		if i < 4 { // the relay and the recipient restrictions are one stage
			s.warnOnly, s.ifReject, s.depth = 0, nil, 0
		}
		if v := s.run(list.checks, list.frame, list.absent); v.refused != nil {
			return v.refused
		}
	}
	if s.ifPermit != nil {
		if v := s.refuse(*s.ifPermit); v.refused != nil {
			return v.refused
		}
	}
	if s.r.rejectUnlisted && !s.discards {
		return s.unlisted().refused
	}
	return nil
}

// A checkList is a list of restrictions of one parameter.
type checkList struct {
	checks []string
	frame  frame
	absent bool // there is no recipient yet
}

func (r *Router) lists() []checkList {
	early := !r.delayReject
	lists := []checkList{{r.clientChecks, client, early}, {r.heloChecks, helo, early}, {r.senderChecks, sender, early}}
	if r.relayFirst {
		return append(lists, checkList{r.relayChecks, recipient, false}, checkList{r.recipientChecks, recipient, false})
	}
	return append(lists, checkList{r.recipientChecks, recipient, false}, checkList{r.relayChecks, recipient, false})
}

// A verdict is the result of a restriction; the zero verdict leaves the decision to
// the next restriction.
type verdict struct {
	permitted bool
	refused   *reply
}

func (v verdict) decided() bool { return v.permitted || v.refused != nil }

var permit = verdict{permitted: true}

// refuse returns the verdict of a refusal, after warn_if_reject, defer_if_reject and
// soft_bounce.
func (s *session) refuse(p reply) verdict {
	own := p.code == 451 && (p.frame == bare || p.frame == named)
	warn := s.warnOnly > 0 && !own
	if p.code < 400 || p.code > 599 || statusLen(p.status) == 0 {
		p = reply{450, "4.7.1", bare, "Service unavailable"}
	}
	if !warn && s.ifReject != nil && p.code >= 500 {
		p = *s.ifReject
		s.warnOnly, s.ifReject = 0, nil
	}
	if s.r.softBounce && p.code >= 500 {
		p.code -= 100
	}
	p.status = fmt.Sprint(p.code/100) + p.status[1:]
	if warn {
		return verdict{}
	}
	return verdict{refused: &p}
}

// trouble returns the verdict of a table that could not be read.
func (s *session) trouble(err error) verdict {
	if err == errEmpty {
		return s.refuse(*serverError)
	}
	return s.refuse(*lookupError)
}
