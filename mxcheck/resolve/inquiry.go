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

// payload is the size of UDP answers that are asked for: what passes every
// network unbroken (DNS Flag Day 2020).
const payload = 1232

// headerSize is the length of a DNS header.
const headerSize = 12

// An inquiry is one question while it is being asked.
type inquiry struct {
	client   *Client
	question mxcheck.Question
	servers  []*server
	query    []byte // packed; each try puts its own id in front
	wire     []byte // the question as it stands in queries and answers
	replies  chan *reply
	flights  []*flight

	probing     bool // it finds out about the servers, and goes before all others
	plain       bool // without EDNS
	unvalidated bool // without DNSSEC validation

	said  mxcheck.Answer // by a server that had no answer
	tired []*server      // those that said so
}

// A reply is a packet that answers an inquiry.
type reply struct {
	packet      []byte
	from        *server
	unvalidated bool
}

// mostTries bounds the packets that can answer one inquiry: each try is
// answered once.
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

// pack makes the query.
func (i *inquiry) pack() {
	var m dns.Msg
	m.RecursionDesired = true
	m.CheckingDisabled = i.unvalidated
	m.Question = []dns.Question{{Name: dns.Fqdn(i.question.Name), Qtype: uint16(i.question.Type), Qclass: dns.ClassINET}}
	if !i.plain {
		m.SetEdns0(payload, false)
	}
	query, err := m.Pack()
	if err != nil {
		query = nil // a name that DNS cannot carry
	}
	i.query = query
}

// run asks until there is an answer or nothing is left to try.
func (i *inquiry) run(ctx context.Context) mxcheck.Answer {
	if i.query == nil {
		return mxcheck.Answer{Failure: mxcheck.DNSFormErr, Detail: "the name does not fit into a question"}
	}
	defer i.settle()
	answer, done := i.ask(ctx)
	switch {
	case done:
		return answer
	case i.said.Failure == mxcheck.DNSServfail:
		return i.whyServfail(ctx)
	case i.said.Failure == "":
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no answer from " + names(i.servers)}
	}
	return i.said
}

// ask goes through the ways to ask. A second opinion is asked for over TCP,
// which nobody can forge, and over UDP where that is not to be had.
func (i *inquiry) ask(ctx context.Context) (answer mxcheck.Answer, done bool) {
	if i.question.Second {
		if answer, done = i.overTCP(ctx, i.servers); !done {
			answer, done = i.overUDP(ctx)
		}
		return answer, done
	}
	if answer, done = i.overUDP(ctx); !done {
		answer, done = i.overTCP(ctx, i.unheard()) // the others would say the same
	}
	return answer, done
}

// unheard gives the servers that said nothing.
func (i *inquiry) unheard() []*server {
	return slices.DeleteFunc(slices.Clone(i.servers), func(s *server) bool { return slices.Contains(i.tired, s) })
}

func names(servers []*server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.name)
	}
	return strings.Join(all, ", ")
}

// overUDP goes round the servers. One that said that it has no answer is not
// asked again before Pause is over, and then once.
func (i *inquiry) overUDP(ctx context.Context) (answer mxcheck.Answer, done bool) {
	paused := false
	at := 0
	for try, wait := range i.client.config.Waits {
		if try >= triesOnGoodLine && i.client.silence.far() {
			return answer, false // others are answered: it is the name, or UDP
		}
		if len(i.unheard()) == 0 {
			if paused || i.said.Failure != mxcheck.DNSServfail {
				return answer, false
			}
			i.letGo()
			if answer, outcome, _ := i.listen(ctx, i.client.config.Pause); outcome == final {
				return answer, true
			}
			paused, i.tired = true, nil
		}
		open := i.unheard()
		if !i.send(ctx, open[at%len(open)]) {
			if ctx.Err() == nil {
				return answer, false // nobody answers anything any more
			}
			return stopped(), true
		}
		answer, outcome, from := i.listen(ctx, wait)
		switch outcome {
		case final:
			return answer, true
		case again:
			continue
		case useless:
			i.tired = append(i.tired, from)
			continue
		}
		at++
	}
	return answer, false
}

// triesOnGoodLine is how often a name is asked for over UDP while others get
// their answers, until it is asked for over TCP.
const triesOnGoodLine = 3

// An outcome is what came of waiting for a reply.
type outcome uint8

const (
	final   outcome = iota // there is an answer, or ctx ended
	silent                 // nothing came in time
	useless                // the server said that it has no answer
	again                  // the server wants the question put otherwise
)

// listen waits for a reply to any of the tries so far.
func (i *inquiry) listen(ctx context.Context, wait time.Duration) (mxcheck.Answer, outcome, *server) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return stopped(), final, nil
	case <-timer.C:
		for _, f := range i.flights {
			f.lose()
		}
		if !i.probing {
			i.client.suspect(ctx)
		}
		return mxcheck.Answer{}, silent, nil
	case r := <-i.replies:
		return i.hear(ctx, r)
	}
}

// hear reads a reply. What is not whole is fetched over TCP.
func (i *inquiry) hear(ctx context.Context, r *reply) (mxcheck.Answer, outcome, *server) {
	answer, broken := readAnswer(r.packet, i.question, r.from.name)
	switch {
	case broken:
		i.letGo()
		byTCP, done := i.oneByTCP(ctx, r.from)
		if done {
			return byTCP, final, r.from
		}
		if byTCP.Failure != "" {
			return mxcheck.Answer{}, useless, r.from // it was said there
		}
	case answer.Failure == "":
		return believed(answer, r.unvalidated), final, r.from
	case i.dropEDNS(answer):
		return mxcheck.Answer{}, again, r.from
	}
	i.keep(answer)
	return mxcheck.Answer{}, useless, r.from
}

// believed turns what a server answers only without validation into what that
// means.
func believed(a mxcheck.Answer, unvalidated bool) mxcheck.Answer {
	if !unvalidated {
		return a
	}
	return mxcheck.Answer{Failure: mxcheck.DNSBogus, Detail: a.Server + " answers only without validation", Server: a.Server}
}

// keep remembers what a server said that had no answer. That it could not get
// one, which may pass, tells more than that it does not want to.
func (i *inquiry) keep(a mxcheck.Answer) {
	if i.said.Failure != mxcheck.DNSServfail {
		i.said = a
	}
}

// dropEDNS reports whether the question is to be put again without EDNS, for
// the sake of a server that does not know it (RFC 6891 7).
func (i *inquiry) dropEDNS(a mxcheck.Answer) bool {
	if i.plain || a.Failure != mxcheck.DNSFormErr && a.Failure != mxcheck.DNSNotImp {
		return false
	}
	i.plain = true
	i.pack()
	return true
}

// overTCP asks servers over TCP.
func (i *inquiry) overTCP(ctx context.Context, servers []*server) (mxcheck.Answer, bool) {
	for _, s := range servers {
		if s.tcp.dead() || i.givenUp() {
			continue
		}
		if answer, done := i.oneByTCP(ctx, s); done {
			return answer, true
		}
	}
	return mxcheck.Answer{}, false
}

// oneByTCP asks one server over TCP. Where it has no answer, what it said is
// given, if it said anything.
func (i *inquiry) oneByTCP(ctx context.Context, s *server) (mxcheck.Answer, bool) {
	if !i.probing && !i.client.pace(ctx) {
		return stopped(), true
	}
	packet, err := s.tcp.ask(ctx, i.query, i.wire, i.client.config.TCPWait)
	switch {
	case ctx.Err() != nil:
		return stopped(), true
	case err != nil:
		return mxcheck.Answer{}, false
	}
	s.silence.hear()
	answer, broken := readAnswer(packet, i.question, s.name)
	switch {
	case answer.Failure == "" && !broken:
		return believed(answer, i.unvalidated), true
	case i.dropEDNS(answer):
		return i.oneByTCP(ctx, s)
	}
	i.keep(answer)
	return answer, false
}

// whyServfail asks once more without validation: an answer then means that
// only DNSSEC stands in its way (RFC 4035 4.9.2).
func (i *inquiry) whyServfail(ctx context.Context) mxcheck.Answer {
	servfail := i.said
	i.unvalidated = true
	i.pack()
	who := max(0, slices.IndexFunc(i.servers, func(s *server) bool { return s.name == servfail.Server }))
	for _, wait := range i.client.config.Waits[:min(2, len(i.client.config.Waits))] {
		if !i.send(ctx, i.servers[who]) {
			break
		}
		switch answer, outcome, _ := i.listen(ctx, wait); outcome {
		case final:
			return answer
		case useless:
			return servfail
		}
	}
	return servfail
}

// send sends the query to a server, when its window and the rate let it. It
// reports false when ctx ended, or when nobody answers anything any more.
func (i *inquiry) send(ctx context.Context, s *server) bool {
	i.letGo()
	if !s.window.enter(ctx, len(i.flights) == 0) {
		return false
	}
	if len(i.flights) == mostTries || i.givenUp() || !i.probing && !i.client.pace(ctx) {
		s.window.leave(unused, time.Time{})
		return false
	}
	i.flights = append(i.flights, s.send(i))
	return true
}

// givenUp reports whether nobody answers anything any more.
func (i *inquiry) givenUp() bool { return !i.probing && i.client.silence.lasts() }

// letGo gives up the places that the tries hold in windows: who waits for one,
// or for anything else but an answer, must not hold another.
func (i *inquiry) letGo() {
	for _, f := range i.flights {
		f.letGo()
	}
}

// settle ends all tries.
func (i *inquiry) settle() {
	for _, f := range i.flights {
		f.end()
	}
}

func stopped() mxcheck.Answer { return mxcheck.Answer{Failure: mxcheck.DNSStopped} }

// sleep waits, and reports whether ctx lasted.
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
