package resolve

import (
	"context"

	"virtmap/mxcheck"
)

// overTCP asks one server after the other over TCP.
func (i *inquiry) overTCP(ctx context.Context, servers []*server) (mxcheck.Answer, bool) {
	for _, s := range servers {
		if s.tcp.refuses() || i.inOutage() {
			continue
		}
		if answer, done := i.oneByTCP(ctx, s); done {
			return answer, true
		}
	}
	return mxcheck.Answer{}, false
}

// oneByTCP asks one server over TCP. If the server has no answer, done is false
// and the Answer has the failure, if the server gave one.
func (i *inquiry) oneByTCP(ctx context.Context, s *server) (answer mxcheck.Answer, done bool) {
	if !i.trial && !i.client.pace(ctx) {
		return stopped(), true
	}
	packet, err := s.tcp.ask(ctx, i.query, i.wire, i.client.config.TCPWait)
	switch {
	case ctx.Err() != nil:
		return stopped(), true
	case err != nil:
		return mxcheck.Answer{}, false
	}
	s.outage.packetArrived()
	answer, broken := readAnswer(packet, i.question, s.name)
	switch {
	case answer.Failure == "" && !broken:
		return validated(answer, i.unvalidated), true
	case i.dropEDNS(answer):
		return i.oneByTCP(ctx, s)
	}
	i.keepFailure(answer)
	return answer, false
}
