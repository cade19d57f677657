package sending

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"virtmap/mxcheck"
	"virtmap/sending/spf"
)

// CheckHost checks the names of the addresses that send, and the host's own name with its
// SPF record and DKIM keys. The result is the same for all domains.
func (c *Checker) CheckHost(ctx context.Context) Verdict {
	v := Verdict{Name: c.Host.Name}
	for _, addr := range c.Host.Addresses {
		c.checkPTR(ctx, &v, addr.Unmap())
	}
	if c.Host.Name != "" && len(c.Host.Addresses) > 0 {
		c.checkHELO(ctx, &v)
		c.checkHostMail(ctx, &v)
	}
	return v
}

// checkHostMail checks the SPF record and the DKIM keys of the host's own name: receivers look
// at its SPF record for bounces, which have no sender (RFC 7208 2.4), and mail of accounts
// comes from it.
func (c *Checker) checkHostMail(ctx context.Context, v *Verdict) {
	d := domainCheck{Checker: c, Subject: Subject{Domain: c.Host.Name, Keys: c.Host.Keys}, ctx: ctx}
	if a := c.ask(ctx, c.Host.Name, mxcheck.TypeTXT); a.Failure == mxcheck.DNSNoZone {
		return // the zone files are of other zones
	}
	d.checkRecord(c.Host.Name)
	d.checkKeys()
	v.Records = append(v.Records, d.Records...)
	for _, f := range d.Findings {
		v.add(f)
	}
}

// checkPTR checks that an address has a name that leads back to it.
func (c *Checker) checkPTR(ctx context.Context, v *Verdict, addr netip.Addr) {
	name := spf.ReverseName(addr)
	a := c.ask(ctx, name, mxcheck.TypePTR)
	v.Records = append(v.Records, a.Records...)
	switch {
	case a.Failure == mxcheck.DNSNoZone:
		return // the zone files are of other zones
	case a.Failure != "":
		v.add(noAnswer(PTRUnknown, name, a))
		return
	case len(a.Records) == 0:
		v.add(finding(PTRMissing, "%s has no name (PTR)", addr).advise("whoever gave you the address publishes it").publish(c.ptrLine(name), c.hostLine(addr)))
		return
	}
	var names []string
	for _, r := range a.Records {
		back, failed := c.leadsTo(ctx, r.Target, addr)
		switch {
		case back:
			v.add(finding(PTROK, "%s is %s, which leads back to it", addr, r.Target))
			return
		case failed.Failure == mxcheck.DNSNoZone:
			return
		case failed.Failure != "":
			v.add(noAnswer(PTRUnknown, r.Target, failed))
			return
		}
		names = append(names, r.Target)
	}
	f := finding(PTRForward, "%s is %s, which does not lead back to it", addr, strings.Join(names, ", "))
	if slices.Contains(names, c.Host.Name) {
		v.add(f.publish(c.hostLine(addr)))
		return
	}
	v.add(f.advise("whoever gave you the address publishes its name").publish(c.ptrLine(name), c.hostLine(addr)))
}

// leadsTo reports whether a name has an address.
func (c *Checker) leadsTo(ctx context.Context, name string, addr netip.Addr) (bool, mxcheck.Answer) {
	t := mxcheck.TypeA
	if addr.Is6() {
		t = mxcheck.TypeAAAA
	}
	a := c.ask(ctx, name, t)
	return slices.ContainsFunc(a.Records, func(r mxcheck.Record) bool { return r.Addr.Unmap() == addr }), a
}

// ptrLine returns the line of the reverse zone that gives an address the host's name.
func (c *Checker) ptrLine(reverse string) string {
	if c.Host.Name == "" {
		return ""
	}
	return mxcheck.Record{Name: reverse, Type: mxcheck.TypePTR, TTL: lineTTL, Target: c.Host.Name}.String()
}

// hostLine returns the line that gives the host's name an address.
func (c *Checker) hostLine(addr netip.Addr) string {
	if c.Host.Name == "" {
		return ""
	}
	return addressLine(c.Host.Name, addr)
}

// checkHELO checks that the host's own name has an address that sends.
func (c *Checker) checkHELO(ctx context.Context, v *Verdict) {
	var failed mxcheck.Answer
	for _, t := range []mxcheck.Type{mxcheck.TypeA, mxcheck.TypeAAAA} {
		a := c.ask(ctx, c.Host.Name, t)
		if a.Failure != "" {
			failed = a
		}
		for _, r := range a.Records {
			v.Records = append(v.Records, r)
			if slices.ContainsFunc(c.Host.Addresses, func(addr netip.Addr) bool { return addr.Unmap() == r.Addr.Unmap() }) {
				return
			}
		}
	}
	switch {
	case failed.Failure == mxcheck.DNSNoZone:
	case failed.Failure != "":
		v.add(noAnswer(HELOUnknown, c.Host.Name, failed))
	default:
		var lines []string
		for _, addr := range c.Host.Addresses {
			lines = append(lines, addressLine(c.Host.Name, addr))
		}
		v.add(finding(HELOMismatch, "its own name %s, which it says in HELO, has no address that sends", c.Host.Name).publish(lines...))
	}
}
