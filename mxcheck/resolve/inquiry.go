package resolve

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
)

// payload is the largest UDP answer in bytes that queries ask for. Answers of
// this size pass every network in one piece (DNS Flag Day 2020).
const payload = 1232

// headerSize is the length of a DNS header.
const headerSize = 12

// An inquiry is one question that is being asked.
type inquiry struct {
	client   *Client
	question mxcheck.Question
	servers  []*server
	query    []byte // the packet; each try puts its own id in front
	wire     []byte // the question as it is in queries and answers
	replies  chan *reply
	tries    []*try

	trial       bool // it tests the servers: without limit of rate, and also in an outage
	plain       bool // without EDNS
	unvalidated bool // without DNSSEC validation

	failure mxcheck.Answer // from a server that had no answer
	failed  []*server      // servers that had no answer
}

// A reply is a packet that answers an inquiry.
type reply struct {
	packet      []byte
	from        *server
	unvalidated bool
}

// mostTries is the most tries of one inquiry, and so the most replies: each try
// gets one.
const mostTries = 12

func newInquiry(c *Client, q mxcheck.Question) *inquiry {
	i := &inquiry{client: c, question: q, servers: c.order(q), replies: make(chan *reply, mostTries)}
	i.pack()
	if i.query != nil {
		i.wire = i.query[headerSize : len(i.query)-optSize]
	}
	return i
}

// optSize is the length of the OPT record at the end of a query (RFC 6891
// 6.1.2).
const optSize = 11

// pack makes the packet of the query. It is nil for a name that DNS cannot have.
func (i *inquiry) pack() {
	var m dns.Msg
	m.RecursionDesired = true
	m.CheckingDisabled = i.unvalidated
	m.AuthenticatedData = asksValidated(i.question.Type)
	m.Question = []dns.Question{{Name: dns.Fqdn(i.question.Name), Qtype: uint16(i.question.Type), Qclass: dns.ClassINET}}
	if !i.plain {
		m.SetEdns0(payload, false)
	}
	query, err := m.Pack()
	if err != nil {
		query = nil
	}
	i.query = query
}

// asksValidated reports whether a question asks the resolver to say that DNSSEC proves
// its answer (RFC 6840 5.7).
func asksValidated(t mxcheck.Type) bool { return t == mxcheck.TypeTLSA }

// run asks until there is an answer or all tries have failed.
func (i *inquiry) run(ctx context.Context) mxcheck.Answer {
	if i.query == nil {
		return mxcheck.Answer{Failure: mxcheck.DNSFormErr, Detail: "the name does not fit into a question"}
	}
	defer i.endTries()
	answer, done := i.ask(ctx)
	switch {
	case done:
		return answer
	case i.failure.Failure == mxcheck.DNSServfail:
		return i.whyServfail(ctx)
	case i.failure.Failure == "":
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no answer from " + names(i.servers)}
	}
	return i.failure
}

// ask asks over UDP and then over TCP. A second opinion is asked over TCP first,
// because TCP answers are hard to forge, and then over UDP.
func (i *inquiry) ask(ctx context.Context) (answer mxcheck.Answer, done bool) {
	if i.question.Second {
		if answer, done = i.overTCP(ctx, i.servers); !done {
			answer, done = i.overUDP(ctx)
		}
		return answer, done
	}
	if answer, done = i.overUDP(ctx); !done {
		answer, done = i.overTCP(ctx, i.candidates()) // the other servers would fail again
	}
	return answer, done
}

// candidates returns the servers that have not replied with a failure.
func (i *inquiry) candidates() []*server {
	return slices.DeleteFunc(slices.Clone(i.servers), func(s *server) bool { return slices.Contains(i.failed, s) })
}

// names returns the names of servers.
func names(servers []*server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

// keepFailure keeps the failure of a server that had no answer. SERVFAIL, which
// may pass, replaces a refusal.
func (i *inquiry) keepFailure(a mxcheck.Answer) {
	if i.failure.Failure != mxcheck.DNSServfail {
		i.failure = a
	}
}

// dropEDNS reports whether the question must be asked again without EDNS, because
// the server does not understand EDNS (RFC 6891 7).
func (i *inquiry) dropEDNS(a mxcheck.Answer) bool {
	if i.plain || a.Failure != mxcheck.DNSFormErr && a.Failure != mxcheck.DNSNotImp {
		return false
	}
	i.plain = true
	i.pack()
	return true
}

// whyServfail asks again without validation. If there is an answer now, then
// DNSSEC validation was the cause of SERVFAIL (RFC 4035 4.9.2).
func (i *inquiry) whyServfail(ctx context.Context) mxcheck.Answer {
	servfail := i.failure
	i.unvalidated = true
	i.pack()
	who := max(0, slices.IndexFunc(i.servers, func(s *server) bool { return s.name == servfail.Server }))
	for _, wait := range i.client.config.Waits[:min(2, len(i.client.config.Waits))] {
		if !i.send(ctx, i.servers[who]) {
			break
		}
		switch answer, got, _ := i.listen(ctx, wait); got {
		case finished:
			return answer
		case noAnswer:
			return servfail
		}
	}
	return servfail
}

// validated returns an answer, or the failure DNSBogus for an answer that a
// server gives only without validation.
func validated(a mxcheck.Answer, unvalidated bool) mxcheck.Answer {
	if !unvalidated {
		return a
	}
	return mxcheck.Answer{Failure: mxcheck.DNSBogus, Detail: a.Server + " answers only without validation", Server: a.Server}
}

// inOutage reports whether no server answers, and the question must be given up.
func (i *inquiry) inOutage() bool { return !i.trial && i.client.outage.confirmed.Load() }

// stopped is the answer when the run ends before there is one.
func stopped() mxcheck.Answer { return mxcheck.Answer{Failure: mxcheck.DNSStopped} }

// sleep waits, and reports whether ctx has not ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func newID() uint16 { return uint16(rand.Uint32()) }
