package spf

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// A Result is the result of check_host (RFC 7208 2.6).
type Result uint8

// The results.
const (
	None      Result = iota // the domain has no SPF record
	Neutral                 // the record says nothing about the address
	Pass                    // the address may send
	Fail                    // the address may not send
	SoftFail                // the address probably may not send
	TempError               // the DNS gave no answer
	PermError               // the record cannot be used
)

var resultNames = [...]string{"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"}

func (r Result) String() string { return resultNames[r] }

// Limits of one evaluation (RFC 7208 4.6.4).
const (
	MaxLookups = 10 // terms that ask the DNS
	MaxVoids   = 2  // terms whose name has no records
	maxHosts   = 10 // MX records, and PTR names
)

// A Query asks what the SPF record of a domain says about an address.
type Query struct {
	Resolver mxcheck.Resolver
	IP       netip.Addr
	Domain   string // of the envelope sender, or the name in HELO
	Sender   string // the envelope sender; empty: postmaster at the Domain
	Helo     string // for macros
	Receiver string // the name of the receiver, for macros; empty: "unknown"
	Time     time.Time
}

// An Answer is the result of a Query.
type Answer struct {
	Result      Result
	Domain      string         // the domain in whose record the Term is
	Term        *Term          // the term that matched; nil: none
	Why         string         // of PermError and TempError: why, without a full stop
	Failure     mxcheck.Answer // of TempError
	Lookups     int            // the terms that asked the DNS
	Voids       int            // the terms whose name has no records
	Explanation string         // of Fail: the text of exp=; may be empty
}

// Evaluate returns the result of a Query. It is check_host of RFC 7208 4.
func (q Query) Evaluate(ctx context.Context) Answer {
	e := newEvaluation(ctx, q)
	a := e.checkHost(q.Domain)
	a.Lookups, a.Voids = e.lookups, e.voids
	if a.Result == Fail {
		a.Explanation = e.explain(&a)
	}
	return a
}

// An evaluation is a Query while it is being answered.
type evaluation struct {
	Query
	ctx     context.Context
	lookups int
	voids   int

	unlimited bool // no limit ends the evaluation

	records map[string]*Record // by domain: the records that were used
	name    *string            // the value of %{p}; nil: not asked for yet
}

func newEvaluation(ctx context.Context, q Query) *evaluation {
	q.IP = q.IP.Unmap()
	q.Domain = strings.TrimSuffix(mailaddr.Lower(q.Domain), ".")
	if q.Sender == "" {
		q.Sender = "postmaster@" + q.Domain
	}
	if strings.HasPrefix(q.Sender, "@") || !strings.Contains(q.Sender, "@") {
		q.Sender = "postmaster@" + strings.TrimPrefix(q.Sender, "@")
	}
	return &evaluation{Query: q, ctx: ctx, records: map[string]*Record{}}
}

func permError(format string, args ...any) Answer {
	return Answer{Result: PermError, Why: fmt.Sprintf(format, args...)}
}

func tempError(failure mxcheck.Answer, name string) Answer {
	return Answer{Result: TempError, Why: "the DNS gives no answer for " + name, Failure: failure}
}

// checkHost evaluates the record of a domain.
func (e *evaluation) checkHost(domain string) Answer {
	domain = strings.TrimSuffix(mailaddr.Lower(domain), ".")
	if !isDomain(domain) {
		return Answer{Domain: domain}
	}
	r, a := e.record(domain)
	if r == nil {
		return a
	}
	for i := range r.Terms {
		t := &r.Terms[i]
		if t.Modifier {
			continue
		}
		matched, problem := e.match(domain, t)
		switch {
		case problem != nil:
			if problem.Term == nil {
				problem.Domain, problem.Term = domain, t
			}
			return *problem
		case matched:
			return Answer{Result: t.Result, Domain: domain, Term: t}
		}
	}
	if t := r.modifier("redirect"); t != nil {
		return e.redirect(domain, t)
	}
	return Answer{Result: Neutral, Domain: domain}
}

// record finds and reads the record of a domain (RFC 7208 4.4 to 4.6). Without one, it
// returns nil and the result.
func (e *evaluation) record(domain string) (*Record, Answer) {
	answer := e.ask(domain, mxcheck.TypeTXT)
	if answer.Failure != "" {
		return nil, tempError(answer, domain)
	}
	var texts []string
	for _, r := range answer.Records {
		if IsRecord(r.Text) {
			texts = append(texts, r.Text)
		}
	}
	switch len(texts) {
	case 0:
		return nil, Answer{Domain: domain}
	case 1:
		r, faults := Parse(texts[0])
		for _, f := range faults {
			if f.Fatal {
				return nil, permError("%q of %s: %s", f.Term, domain, f.Text)
			}
		}
		e.records[domain] = &r
		return &r, Answer{}
	}
	return nil, permError("%s has %d SPF records", domain, len(texts))
}

// redirect evaluates the record that redirect= leads to (RFC 7208 6.1).
func (e *evaluation) redirect(domain string, t *Term) Answer {
	if problem := e.count(domain, t); problem != nil {
		return *problem
	}
	target := e.target(domain, t)
	a := e.checkHost(target)
	if a.Result == None {
		a = permError("%s, to which %s leads, has no SPF record", target, t.Text)
	}
	if a.Result == PermError && a.Term == nil {
		a.Domain, a.Term = domain, t
	}
	return a
}

// isDomain reports whether a domain can have a record: it has at least two labels, and is
// no address in brackets (RFC 7208 4.3).
func isDomain(name string) bool {
	return strings.Contains(name, ".") && isAskable(name) && !strings.ContainsAny(name, "[]")
}

// isAskable reports whether the DNS can have a name: labels of 1 to 63 octets.
func isAskable(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return len(name) <= maxName
}

// maxName is the length of the longest name as text (RFC 7208 7.3).
const maxName = 253

// ask asks the DNS, and follows aliases. Aliases that lead in a circle are a failure, as
// resolvers answer SERVFAIL for them.
func (e *evaluation) ask(name string, t mxcheck.Type) mxcheck.Answer {
	a, loop := mxcheck.Follow(e.ctx, e.Resolver, mxcheck.Question{Name: strings.ReplaceAll(mailaddr.Lower(name), `\`, `\\`), Type: t})
	if loop {
		return mxcheck.Answer{Failure: mxcheck.DNSServfail, Detail: name + " is an alias that leads in a circle, or too far"}
	}
	return a
}
