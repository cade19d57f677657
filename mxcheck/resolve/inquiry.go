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
	plain    bool   // without EDNS
	replies  chan reply
	flights  []*flight

	said mxcheck.Answer // by a server that had no answer
}

// A reply is a packet that answers an inquiry.
type reply struct {
	packet []byte
	from   *server
}

func newInquiry(c *Client, q mxcheck.Question) *inquiry {
	i := &inquiry{client: c, question: q, servers: c.order(q.Second), replies: make(chan reply, 4)}
	i.pack(false)
	if i.query != nil {
		end := headerSize + len(i.query[headerSize:]) - optSize
		i.wire = i.query[headerSize:end]
	}
	return i
}

// optSize is the length of the OPT record at the end of a query (RFC 6891
// 6.1.2).
const optSize = 11

// pack makes the query.
func (i *inquiry) pack(unvalidated bool) {
	var m dns.Msg
	m.RecursionDesired = true
	m.CheckingDisabled = unvalidated
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
	ways := []func(context.Context) (mxcheck.Answer, bool){i.overUDP, i.overTCP}
	if i.question.Second {
		ways[0], ways[1] = ways[1], ways[0]
	}
	for _, way := range ways {
		if answer, done := way(ctx); done {
			return answer
		}
		if i.said.Failure != "" && !i.question.Second {
			break // TCP is for silence; what a server says it says there too
		}
	}
	switch i.said.Failure {
	case mxcheck.DNSServfail:
		return i.whyServfail(ctx)
	case "":
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no answer from " + names(i.servers)}
	}
	return i.said
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
	var tired []*server
	paused := false
	at := 0
	for _, wait := range i.client.config.Waits {
		if len(tired) == len(i.servers) {
			if paused || i.said.Failure != mxcheck.DNSServfail {
				return answer, false
			}
			if !sleep(ctx, i.client.config.Pause) {
				return stopped(), true
			}
			paused, tired = true, nil
		}
		for slices.Contains(tired, i.servers[at%len(i.servers)]) {
			at++
		}
		if !i.send(ctx, i.servers[at%len(i.servers)]) {
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
			if !slices.Contains(tired, from) {
				tired = append(tired, from)
			}
		}
		at++
	}
	return answer, false
}

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
		i.expire()
		return mxcheck.Answer{}, silent, nil
	case r := <-i.replies:
		answer, broken := readAnswer(r.packet, i.question, r.from.name)
		switch {
		case broken:
			if byTCP, done := i.oneByTCP(ctx, r.from); done {
				return byTCP, final, nil
			}
		case answer.Failure == "":
			return answer, final, nil
		case i.dropEDNS(answer):
			return mxcheck.Answer{}, again, r.from
		}
		i.said = answer
		return mxcheck.Answer{}, useless, r.from
	}
}

// dropEDNS reports whether the question is to be put again without EDNS, for
// the sake of a server that does not know it (RFC 6891 7).
func (i *inquiry) dropEDNS(a mxcheck.Answer) bool {
	if i.plain || a.Failure != mxcheck.DNSFormErr && a.Failure != mxcheck.DNSNotImp {
		return false
	}
	i.plain = true
	i.pack(false)
	return true
}

// overTCP asks the servers over TCP.
func (i *inquiry) overTCP(ctx context.Context) (mxcheck.Answer, bool) {
	for _, s := range i.servers {
		if s.tcp.dead() || i.client.silent() {
			continue
		}
		if answer, done := i.oneByTCP(ctx, s); done {
			return answer, true
		}
	}
	return mxcheck.Answer{}, false
}

// oneByTCP asks one server over TCP.
func (i *inquiry) oneByTCP(ctx context.Context, s *server) (mxcheck.Answer, bool) {
	if i.client.limit != nil && i.client.limit.Wait(ctx) != nil {
		return stopped(), true
	}
	packet, err := s.tcp.ask(ctx, i.query, i.wire, i.client.config.TCPWait)
	switch {
	case ctx.Err() != nil:
		return stopped(), true
	case err != nil:
		return mxcheck.Answer{}, false
	}
	answer, broken := readAnswer(packet, i.question, s.name)
	switch {
	case answer.Failure == "" && !broken:
		return answer, true
	case i.dropEDNS(answer):
		return i.oneByTCP(ctx, s)
	}
	i.said = answer
	return answer, false
}

// whyServfail asks once more without validation: an answer then means that
// only DNSSEC stands in its way (RFC 4035 4.9.2).
func (i *inquiry) whyServfail(ctx context.Context) mxcheck.Answer {
	servfail := i.said
	i.pack(true)
	for _, wait := range i.client.config.Waits[:min(2, len(i.client.config.Waits))] {
		if !i.send(ctx, i.servers[0]) {
			return servfail
		}
		answer, outcome, _ := i.listen(ctx, wait)
		switch {
		case answer.Failure == mxcheck.DNSStopped:
			return answer
		case outcome == final:
			return mxcheck.Answer{Failure: mxcheck.DNSBogus, Detail: answer.Server + " answers only without validation", Server: answer.Server}
		case outcome != silent:
			return servfail
		}
	}
	return servfail
}

// send sends the query to a server, when its window and the rate let it. It
// reports false when ctx ended, or when nobody answers anything any more.
func (i *inquiry) send(ctx context.Context, s *server) bool {
	if !s.window.enter(ctx, len(i.flights) > 0) {
		return false
	}
	if i.client.silent() || i.client.limit != nil && i.client.limit.Wait(ctx) != nil {
		s.window.leave(unused, time.Time{})
		return false
	}
	i.flights = append(i.flights, s.send(i))
	return true
}

// expire counts the tries that are out as lost; their answers are still
// welcome.
func (i *inquiry) expire() {
	for _, f := range i.flights {
		f.lose()
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
