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

// Config has the servers and the time limits of a Client. A zero value stands
// for the default.
type Config struct {
	Servers []netip.AddrPort // in the order in which they are asked

	// MaxQPS is the most questions a second to all servers together. The
	// default is 500, and no limit when all servers are on this machine.
	MaxQPS float64

	// Waits has the time for each try over UDP. After it the next server is
	// asked, and an answer to an earlier try is still accepted.
	Waits []time.Duration
	// TCPWait is the time for a question over TCP. A connection without any
	// answer for a quarter of it is closed.
	TCPWait time.Duration
	// Pause is the time before a server is asked again after SERVFAIL. The
	// server must cache its failure (RFC 9520 2.2), so that a question before
	// gives the same reply.
	Pause time.Duration
	// Patience is how long servers that have answered before may be silent
	// before there is an outage. For servers that have not, the time is the
	// sum of Waits.
	Patience time.Duration

	AuthorityPort uint16 // of the name servers that AskAuthorities asks; default 53
}

// Defaults of a Config. With them a question without an answer takes about ten
// seconds.
var (
	defaultWaits    = []time.Duration{500 * time.Millisecond, time.Second, time.Second, 1500 * time.Millisecond, 2 * time.Second}
	defaultTCPWait  = 3 * time.Second
	defaultPause    = 5 * time.Second
	defaultPatience = 30 * time.Second
)

// politeQPS is a third of the limit of the strictest public resolver for one
// address (Google Public DNS: 1,500 a second).
const politeQPS = 500

// A Client is an mxcheck.Resolver over the network.
type Client struct {
	servers []*server
	config  Config
	limit   *rate.Limiter // nil: no limit

	unreachable []string // servers for which no socket can be opened

	outage outage
}

// New opens a client, which must be closed. A server that this machine cannot
// reach, for example without IPv6, counts as a server that does not answer.
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
	c.outage.patience = config.Patience
	for _, wait := range config.Waits {
		c.outage.budget += wait
	}
	c.limit = limiter(config)
	for i, addr := range config.Servers {
		if slices.Contains(config.Servers[:i], addr) {
			continue // a server must not give its own second opinion
		}
		s, err := newServer(addr, socketsPerServer, &c.outage)
		if err != nil {
			c.unreachable = append(c.unreachable, fmt.Sprintf("%s (%s)", serverName(addr), err))
			continue
		}
		c.servers = append(c.servers, s)
	}
	return c, nil
}

// limiter returns the limiter for MaxQPS, or nil for no limit.
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

// Close closes the sockets. Call it when no question is being asked.
func (c *Client) Close() error {
	var err error
	for _, s := range c.servers {
		err = errors.Join(err, s.close())
	}
	return err
}

// Ask asks one server after the other over UDP, until one gives an answer or all
// tries have failed. It asks over TCP when the answer does not fit into UDP, or
// when there is none over UDP.
func (c *Client) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if len(c.servers) == 0 {
		return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no way to " + strings.Join(c.unreachable, ", ")}
	}
	inquiry := newInquiry(c, q)
	if c.outage.confirmed.Load() {
		if inquiry.trial = c.outage.allowTrial(); !inquiry.trial {
			return mxcheck.Answer{Failure: mxcheck.DNSTimeout, Detail: "no server has answered for a while"}
		}
	}
	return inquiry.run(ctx)
}

// AskEach asks every server, all at the same time.
func (c *Client) AskEach(ctx context.Context, q mxcheck.Question) []mxcheck.Answer {
	answers := make([]mxcheck.Answer, len(c.servers))
	done := make(chan struct{})
	for i, s := range c.servers {
		go func() {
			one := newInquiry(c, q)
			one.servers, one.trial = []*server{s}, true
			answers[i] = one.run(ctx)
			done <- struct{}{}
		}()
	}
	for range c.servers {
		<-done
	}
	return answers
}

// Recover waits until an outage ends, no longer than Patience. It reports whether
// a server answers.
func (c *Client) Recover(ctx context.Context) bool {
	if c.outage.heard.Load() == 0 { // no server has answered yet
		c.askForRoot(ctx)
		return c.outage.heard.Load() != 0 && ctx.Err() == nil
	}
	end := time.Now().Add(c.config.Patience)
	for c.outage.confirmed.Load() && time.Now().Before(end) && ctx.Err() == nil {
		c.askForRoot(ctx)
	}
	return !c.outage.confirmed.Load() && ctx.Err() == nil
}

// askForRoot asks all servers for the name servers of the root, which every
// server has. Without a reply the cause is the line and not a name.
func (c *Client) askForRoot(ctx context.Context) {
	one := newInquiry(c, mxcheck.Question{Name: ".", Type: mxcheck.TypeNS})
	defer one.endTries()
	one.trial = true
	for _, s := range one.servers {
		one.tries = append(one.tries, s.send(one))
	}
	one.listen(ctx, 2*c.config.Waits[0])
}

// suspectOutage finds out whether a likely outage is one. It does so once at a
// time, in the background.
func (c *Client) suspectOutage(ctx context.Context) {
	if c.outage.likely() && c.outage.confirming.CompareAndSwap(false, true) {
		go func() {
			defer c.outage.confirming.Store(false)
			c.askForRoot(ctx)
			if ctx.Err() == nil {
				c.outage.confirm()
			}
		}()
	}
}

// pace waits until the limit of the rate allows a question. It returns false when
// ctx ends before.
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

// order returns the servers in the order in which they are asked: as configured,
// with silent servers at the end. A second opinion is asked of other servers than
// the first, if one of them answers.
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
