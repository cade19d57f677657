package resolve

import (
	"context"
	"net/netip"
	"strings"

	"virtmap/mxcheck"
)

// mostAuthorities is the most name servers of one zone that are asked.
const mostAuthorities = 8

// AskAuthorities finds the name servers of the zone of a name, and asks each at
// its first address.
func (c *Client) AskAuthorities(ctx context.Context, q mxcheck.Question) []mxcheck.Answer {
	var answers []mxcheck.Answer
	for _, ns := range c.nameServers(ctx, q.Name) {
		addr, ok := c.address(ctx, ns)
		if !ok {
			answers = append(answers, mxcheck.Answer{Failure: mxcheck.DNSLame, Detail: ns + " has no address", Server: ns})
			continue
		}
		answers = append(answers, c.askOne(ctx, ns, addr, q))
	}
	return answers
}

// nameServers returns the name servers of the zone of a name. They are those of the
// name, or of the nearest name above that has some.
func (c *Client) nameServers(ctx context.Context, name string) []string {
	for name != "" {
		a := c.Ask(ctx, mxcheck.Question{Name: name, Type: mxcheck.TypeNS})
		var servers []string
		for _, r := range a.Records {
			servers = append(servers, r.Target)
		}
		if len(servers) > 0 || a.Failure != "" {
			return servers[:min(len(servers), mostAuthorities)]
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return nil
}

// address returns the first address of a host.
func (c *Client) address(ctx context.Context, host string) (netip.Addr, bool) {
	for _, typ := range []mxcheck.Type{mxcheck.TypeA, mxcheck.TypeAAAA} {
		if a := c.Ask(ctx, mxcheck.Question{Name: host, Type: typ}); len(a.Records) > 0 {
			return a.Records[0].Addr, true
		}
	}
	return netip.Addr{}, false
}

// askOne asks a name server that is not among the servers of the client.
func (c *Client) askOne(ctx context.Context, name string, addr netip.Addr, q mxcheck.Question) mxcheck.Answer {
	s, err := newServer(netip.AddrPortFrom(addr, c.config.authorityPort()), 1, &c.outage)
	if err != nil {
		return mxcheck.Answer{Failure: mxcheck.DNSLame, Detail: err.Error(), Server: name}
	}
	defer s.close()
	one := newInquiry(c, q)
	one.servers = []*server{s}
	a := one.run(ctx)
	a.Server = name
	return a
}

func (c Config) authorityPort() uint16 {
	if c.AuthorityPort != 0 {
		return c.AuthorityPort
	}
	return dnsPort
}
