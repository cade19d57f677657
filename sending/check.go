package sending

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"virtmap/mxcheck"
)

// A Subject is a domain that sends.
type Subject struct {
	Domain   string   // lower-case A-labels
	Envelope string   // the domain in the envelope sender; empty: the Domain
	Keys     []Key    // that sign its mail
	MX       []string // its MX targets that are this server; TLSA records of others are not compared
	Policy   string   // the text of its MTA-STS policy, from a file; empty: it is fetched if possible
}

// envelope returns the domain whose SPF record receivers look at.
func (s *Subject) envelope() string {
	if s.Envelope == "" {
		return s.Domain
	}
	return s.Envelope
}

// A Key is a DKIM key that signs the mail of a domain.
type Key struct {
	Selector string
	Domain   string           // d= of its signatures; empty: the domain of the Subject
	File     string           // of the private key
	Public   crypto.PublicKey // its public half: *rsa.PublicKey or ed25519.PublicKey; nil: it cannot be read
	Problem  string           // why it cannot be read
	Spare    bool             // it does not sign yet, or no longer: what is wrong with it is a warning at most
}

// A Host is the server that sends.
type Host struct {
	Name      string       // in HELO, lower-case A-labels; empty: it is not checked
	Addresses []netip.Addr // that mail is sent from

	Keys []Key // that sign mail from the host's own name; Domain may be empty

	Certificates    []*x509.Certificate // what the server shows in STARTTLS, its own first; may be empty
	CertificateFile string              // where they are from
}

// A Checker checks domains that send. A Checker is for one run, because it keeps answers.
// Several goroutines may use it.
type Checker struct {
	Resolver mxcheck.Resolver
	Host     Host

	// Live says that the Resolver asks the DNS. Zone files say nothing about DNSSEC.
	Live bool
	// Fetch returns the text of the MTA-STS policy of a domain. May be nil.
	Fetch func(ctx context.Context, domain string) (string, error)

	answers answers
	outage  outage
}

// Check checks one domain.
func (c *Checker) Check(ctx context.Context, s Subject) Verdict {
	d := domainCheck{Checker: c, Subject: s, ctx: ctx, Verdict: Verdict{Name: s.Domain}}
	d.checkSPF()
	d.checkKeys()
	d.checkDMARC()
	d.checkSTS()
	d.checkTLSA()
	d.checkReports()
	return d.Verdict
}

// A domainCheck is the check of one domain, while it is made.
type domainCheck struct {
	*Checker
	Subject
	Verdict
	ctx context.Context

	spf     state    // of the domain in the envelope sender
	spfSays string   // its result for the addresses
	keys    state    // of the keys
	aligned []string // the domains d= of the keys that verify
}

// A state says whether something passes for our mail.
type state uint8

const (
	absent state = iota
	passes
	fails
	unsure // the DNS gave no answer, or there is nothing to compare with
)

// txt returns the TXT records of a name, and keeps those that belong as records of the
// Verdict.
func (d *domainCheck) txt(name string, belongs func(text string) bool) (texts []string, failed mxcheck.Answer) {
	a := d.ask(d.ctx, name, mxcheck.TypeTXT)
	if a.Failure != "" {
		return nil, a
	}
	for _, r := range a.Records {
		if belongs(r.Text) {
			texts = append(texts, r.Text)
			d.Records = append(d.Records, r)
		}
	}
	return texts, mxcheck.Answer{}
}

// ask asks a question, once in a run, and follows aliases.
func (c *Checker) ask(ctx context.Context, name string, t mxcheck.Type) mxcheck.Answer {
	a, loop := mxcheck.Follow(ctx, (*remembering)(c), mxcheck.Question{Name: name, Type: t})
	if loop {
		return mxcheck.Answer{Failure: mxcheck.DNSServfail, Detail: name + " is an alias that leads in a circle, or too far"}
	}
	return a
}

// remembering is the Resolver of a Checker that asks each question once in a run.
type remembering Checker

func (r *remembering) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	return r.answers.cell(q).get(func() mxcheck.Answer {
		a := r.outage.ask(ctx, r.Resolver, q)
		a.Records = slices.Clone(a.Records)
		slices.SortFunc(a.Records, compareRecords)
		return a
	})
}

// compareRecords gives records an order of their own: servers give them in any order.
func compareRecords(a, b mxcheck.Record) int {
	return cmp.Or(cmp.Compare(a.Pref, b.Pref), strings.Compare(a.Target, b.Target), a.Addr.Compare(b.Addr), strings.Compare(a.Text, b.Text))
}

// An outage notices when no server answers at all, so that not every question waits for its
// time to end.
type outage struct {
	heard  atomic.Bool // there was an answer
	silent atomic.Bool // no server answers
}

func (o *outage) ask(ctx context.Context, r mxcheck.Resolver, q mxcheck.Question) mxcheck.Answer {
	if o.silent.Load() {
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no server answers"}
	}
	a := r.Ask(ctx, q)
	switch recoverer, ok := r.(mxcheck.Recoverer); {
	case a.Failure != mxcheck.DNSTimeout:
		o.heard.Store(true)
	case ok && !o.heard.Load() && !recoverer.Recover(ctx):
		o.silent.Store(true)
	}
	return a
}

// answers are the answers of a run.
type answers struct {
	mu    sync.Mutex
	cells map[mxcheck.Question]*cell
}

// A cell is one answer. Who needs an answer that another goroutine asks for waits for it.
type cell struct {
	mu     sync.Mutex
	asked  bool
	answer mxcheck.Answer
}

func (a *answers) cell(q mxcheck.Question) *cell {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cells == nil {
		a.cells = map[mxcheck.Question]*cell{}
	}
	if a.cells[q] == nil {
		a.cells[q] = &cell{}
	}
	return a.cells[q]
}

func (c *cell) get(ask func() mxcheck.Answer) mxcheck.Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked {
		c.answer, c.asked = ask(), true
	}
	return c.answer
}
