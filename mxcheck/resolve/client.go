package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"virtmap/mxcheck"
)

// Config says which servers are asked, and how patiently.
type Config struct {
	Servers []netip.AddrPort // in the order in which they are asked

	// MaxQPS bounds the questions a second to all servers together. 0 is
	// 500, or no bound where all servers are on this machine.
	MaxQPS float64

	// Waits is how long each try over UDP waits for an answer before the next
	// one, with the next server. An answer to an earlier try is still taken.
	Waits []time.Duration
	// TCPWait is how long a question over TCP may take. A connection on which
	// nothing is answered for a quarter of it is given up before.
	TCPWait time.Duration
	// Pause is how long a server that could not get an answer is left alone:
	// it must remember its failure (RFC 9520 2.2), so asking at once again
	// proves nothing.
	Pause time.Duration
	// Patience is how long servers that have answered may be silent before
	// questions are given up at once. Where none has, it is the Waits.
	Patience time.Duration

	AuthorityPort uint16 // of the name servers that AskAuthorities asks; 0 is 53
}

// Defaults for what a Config leaves out. A question that nobody answers takes
// about ten seconds with them.
var (
	defaultWaits    = []time.Duration{500 * time.Millisecond, time.Second, time.Second, 1500 * time.Millisecond, 2 * time.Second}
	defaultTCPWait  = 3 * time.Second
	defaultPause    = 5 * time.Second
	defaultPatience = 30 * time.Second
)

// politeQPS is a third of what the strictest public resolver lets one address
// ask (Google Public DNS: 1,500 a second).
const politeQPS = 500

// A Client is an mxcheck.Resolver over the network.
type Client struct {
	servers []*server
	config  Config
	limit   *rate.Limiter // nil: no bound

	unreachable []string // servers that no socket leads to

	silence silence
}

// New opens a client. Close it. A server that this machine has no way to, such
// as an IPv6 one without IPv6, counts as one that does not answer.
func New(config Config) (*Client, error) {
	if len(config.Servers) == 0 {
		return nil, errors.New("there is no DNS server to ask; name one with --resolver")
	}
	if len(config.Waits) == 0 {
		config.Waits = defaultWaits
	}
	for field, standard := range map[*time.Duration]time.Duration{
		&config.TCPWait: defaultTCPWait, &config.Pause: defaultPause, &config.Patience: defaultPatience,
	} {
		if *field == 0 {
			*field = standard
		}
	}
	c := &Client{config: config}
	c.silence.patience = config.Patience
	for _, wait := range config.Waits {
		c.silence.budget += wait
	}
	c.limit = limiter(config)
	for i, addr := range config.Servers {
		if slices.Contains(config.Servers[:i], addr) {
			continue // asked twice, it would be its own second opinion
		}
		s, err := newServer(addr, socketsPerServer, &c.silence)
		if err != nil {
			c.unreachable = append(c.unreachable, fmt.Sprintf("%s (%s)", serverName(addr), err))
			continue
		}
		c.servers = append(c.servers, s)
	}
	return c, nil
}

func limiter(config Config) *rate.Limiter {
	qps := config.MaxQPS
	if qps == 0 {
		qps = politeQPS
		local := true
		for _, addr := range config.Servers {
			local = local && addr.Addr().IsLoopback()
		}
		if local {
			return nil
		}
	}
	return rate.NewLimiter(rate.Limit(qps), int(max(1, qps/50)))
}

// Close closes the client's sockets, when nobody asks any more.
func (c *Client) Close() error {
	var err error
	for _, s := range c.servers {
		err = errors.Join(err, s.close())
	}
	return err
}

// Ask asks a question: over UDP, of one server after the other, over TCP where
// UDP does not carry the answer, until one of them gives an answer or all
// tries are used up.
func (c *Client) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if len(c.servers) == 0 {
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no way to " + strings.Join(c.unreachable, ", ")}
	}
	inquiry := newInquiry(c, q)
	if c.silence.lasts() {
		if inquiry.probing = c.silence.probe(); !inquiry.probing {
			return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no server has answered for a while"}
		}
	}
	return inquiry.run(ctx)
}

// AskEach puts one question to every server.
func (c *Client) AskEach(ctx context.Context, q mxcheck.Question) []mxcheck.Answer {
	answers := make([]mxcheck.Answer, len(c.servers))
	done := make(chan struct{})
	for i, s := range c.servers {
		go func() {
			one := newInquiry(c, q)
			one.servers, one.probing = []*server{s}, true
			answers[i] = one.run(ctx)
			done <- struct{}{}
		}()
	}
	for range c.servers {
		<-done
	}
	return answers
}

// Recover waits, while nobody answers anything, for somebody to answer again,
// for as long as the Patience lasts. It reports whether it is worth asking.
func (c *Client) Recover(ctx context.Context) bool {
	if c.silence.heard.Load() == 0 { // from the start, nobody was there
		c.probe(ctx)
		return c.silence.heard.Load() != 0 && ctx.Err() == nil
	}
	end := time.Now().Add(c.config.Patience)
	for c.silence.lasts() && time.Now().Before(end) && ctx.Err() == nil {
		c.probe(ctx)
	}
	return !c.silence.lasts() && ctx.Err() == nil
}

// probe asks all servers for what every one of them knows: whether a name is
// dead, or the line.
func (c *Client) probe(ctx context.Context) {
	one := newInquiry(c, mxcheck.Question{Name: ".", Type: mxcheck.TypeNS})
	defer one.settle()
	one.probing = true
	for _, s := range one.servers {
		one.flights = append(one.flights, s.send(one))
	}
	one.listen(ctx, 2*c.config.Waits[0])
}

// suspect finds out whether a silence is one of the line, once at a time.
func (c *Client) suspect(ctx context.Context) {
	if c.silence.looms() && c.silence.probing.CompareAndSwap(false, true) {
		go func() {
			defer c.silence.probing.Store(false)
			c.probe(ctx)
			if ctx.Err() == nil {
				c.silence.confirm()
			}
		}()
	}
}

// pace waits until a question may be asked; it reports false when ctx ends
// first.
func (c *Client) pace(ctx context.Context) bool {
	if c.limit == nil {
		return true
	}
	turn := c.limit.Reserve()
	if sleep(ctx, turn.Delay()) {
		return true
	}
	turn.Cancel()
	return false
}

// order gives the servers in the order in which a question is put to them: as
// configured, those that have been silent last. A second opinion is not asked
// of the server that gave the first, as long as another one is there to ask.
func (c *Client) order(q mxcheck.Question) []*server {
	if len(c.servers) < 2 {
		return c.servers
	}
	var up, down []*server
	for _, s := range c.servers {
		switch {
		case s.down():
			down = append(down, s)
		case !q.Second || s.name != q.First:
			up = append(up, s)
		}
	}
	if q.Second && len(up) > 0 {
		return up
	}
	if q.Second {
		up = slices.DeleteFunc(slices.Clone(c.servers), func(s *server) bool { return s.name != q.First })
	}
	return append(up, down...)
}
