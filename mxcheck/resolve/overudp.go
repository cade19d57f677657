package resolve

import (
	"context"
	"time"

	"virtmap/mxcheck"
)

// triesBeforeTCP is the number of tries over UDP for a name without an answer,
// while other names get answers. The next try is over TCP.
const triesBeforeTCP = 3

// overUDP asks one server after the other over UDP. When all servers have replied with
// a failure, and one of them with SERVFAIL, overUDP waits for Config.Pause and then asks
// all servers again, once. done is false if there is no answer over UDP.
func (i *inquiry) overUDP(ctx context.Context) (answer mxcheck.Answer, done bool) {
	paused := false
	at := 0
	for n, wait := range i.client.config.Waits {
		if n >= triesBeforeTCP && i.client.outage.unlikely() {
			return answer, false // only this name gets no answer, or none over UDP
		}
		if len(i.candidates()) == 0 {
			if paused || i.failure.Failure != mxcheck.DNSServfail {
				return answer, false
			}
			i.releasePlaces()
			// During the pause, an earlier try may still get its answer.
			if answer, got, _ := i.listen(ctx, i.client.config.Pause); got == finished {
				return answer, true
			}
			paused, i.failed = true, nil
		}
		servers := i.candidates()
		if !i.send(ctx, servers[at%len(servers)]) {
			if ctx.Err() == nil {
				return answer, false // in an outage, or after mostTries
			}
			return stopped(), true
		}
		answer, got, from := i.listen(ctx, wait)
		switch got {
		case finished:
			return answer, true
		case askAgain:
			continue
		case noAnswer:
			i.failed = append(i.failed, from)
			continue
		}
		at++
	}
	return answer, false
}

// An event is the reason why listen returns.
type event uint8

const (
	finished event = iota // there is an answer, or ctx has ended
	timeout               // no reply came in time
	noAnswer              // a server replied that it has no answer
	askAgain              // the question must be asked again without EDNS
)

// listen waits for a reply to any of the tries so far. It returns the server that
// replied.
func (i *inquiry) listen(ctx context.Context, wait time.Duration) (mxcheck.Answer, event, *server) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return stopped(), finished, nil
	case <-timer.C:
		for _, t := range i.tries {
			t.lose()
		}
		if !i.trial {
			i.client.suspectOutage(ctx)
		}
		return mxcheck.Answer{}, timeout, nil
	case r := <-i.replies:
		return i.readReply(ctx, r)
	}
}

// readReply reads a reply. If the packet does not have the whole answer, readReply asks
// the same server over TCP.
func (i *inquiry) readReply(ctx context.Context, r *reply) (mxcheck.Answer, event, *server) {
	answer, broken := readAnswer(r.packet, i.question, r.from.name)
	switch {
	case broken:
		i.releasePlaces()
		byTCP, done := i.oneByTCP(ctx, r.from)
		if done {
			return byTCP, finished, r.from
		}
		if byTCP.Failure != "" {
			return mxcheck.Answer{}, noAnswer, r.from // oneByTCP has kept the failure
		}
	case answer.Failure == "":
		return validated(answer, r.unvalidated), finished, r.from
	case i.dropEDNS(answer):
		return mxcheck.Answer{}, askAgain, r.from
	}
	i.keepFailure(answer)
	return mxcheck.Answer{}, noAnswer, r.from
}

// send waits until the window of a server and the limit of the rate allow a query, and
// sends it. send returns false when ctx ends, in an outage, and after mostTries tries.
func (i *inquiry) send(ctx context.Context, s *server) bool {
	i.releasePlaces()
	if !s.window.enter(ctx, len(i.tries) == 0) {
		return false
	}
	if len(i.tries) == mostTries || i.inOutage() || !i.trial && !i.client.pace(ctx) {
		s.window.leave(unused, time.Time{})
		return false
	}
	i.tries = append(i.tries, s.send(i))
	return true
}

// releasePlaces gives up the place that each try has in the window of its server. An
// inquiry must not hold a place while it waits for something other than an answer, for
// example for another place.
func (i *inquiry) releasePlaces() {
	for _, t := range i.tries {
		t.release()
	}
}

// endTries ends all tries.
func (i *inquiry) endTries() {
	for _, t := range i.tries {
		t.end()
	}
}
