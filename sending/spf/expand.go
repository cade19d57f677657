package spf

import (
	"strconv"
	"strings"
	"time"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// target returns the name that a term of the record of a domain is about (RFC 7208 4.8).
func (e *evaluation) target(domain string, t *Term) string {
	if t.domain == nil {
		return domain
	}
	return shortenName(strings.TrimSuffix(t.domain.expand(e.values(domain)), "."))
}

// shortenName removes labels from the left of a name that is too long (RFC 7208 7.3).
func shortenName(name string) string {
	for len(name) > maxName {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return name
		}
		name = rest
	}
	return name
}

// values returns the function that gives the value of a macro letter in the record of a
// domain (RFC 7208 7.2).
func (e *evaluation) values(domain string) func(letter byte) string {
	at := strings.LastIndexByte(e.Sender, '@')
	return func(letter byte) string {
		switch letter {
		case 's':
			return e.Sender
		case 'l':
			return e.Sender[:at]
		case 'o':
			return e.Sender[at+1:]
		case 'd':
			return domain
		case 'i':
			return strings.ToUpper(dotted(e.IP)) // as in the test suite; names are the same in lower case
		case 'p':
			return e.validatedName(domain)
		case 'v':
			if e.IP.Is4() {
				return "in-addr"
			}
			return "ip6"
		case 'h':
			return e.Helo
		case 'c':
			return e.IP.String()
		case 'r':
			return e.receiver()
		}
		return strconv.FormatInt(e.now().Unix(), 10) // %{t}
	}
}

func (e *evaluation) receiver() string {
	if e.Receiver == "" {
		return "unknown"
	}
	return e.Receiver
}

func (e *evaluation) now() time.Time {
	if e.Time.IsZero() {
		return time.Now()
	}
	return e.Time
}

// validatedName returns the value of %{p}: a name of the client that leads back to it. It
// is the domain itself if possible, else a name below, else any, else "unknown".
func (e *evaluation) validatedName(domain string) string {
	if e.name != nil {
		return *e.name
	}
	best, rank := "unknown", 0
	for _, name := range e.names() {
		r := 1
		switch {
		case name == domain:
			r = 3
		case strings.HasSuffix(name, "."+domain):
			r = 2
		}
		if r > rank && e.leadsBack(name) {
			best, rank = name, r
		}
	}
	e.name = &best
	return best
}

// explain returns the explanation for a Fail, or an empty text (RFC 7208 6.2). It is that
// of the record in which the term that matched is.
func (e *evaluation) explain(a *Answer) string {
	r := e.records[a.Domain]
	if r == nil {
		return ""
	}
	exp := r.modifier("exp")
	if exp == nil {
		return ""
	}
	name := mailaddr.Lower(e.target(a.Domain, exp))
	if !isDomain(name) {
		return ""
	}
	answer := e.ask(name, mxcheck.TypeTXT)
	if answer.Failure != "" || len(answer.Records) != 1 {
		return ""
	}
	text := answer.Records[0].Text
	if strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		return ""
	}
	m, problem := parseMacros(text, inExplanations)
	if problem != nil {
		return ""
	}
	return m.expand(e.values(a.Domain))
}
