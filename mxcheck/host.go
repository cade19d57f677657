package mxcheck

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// maxAliases is how many aliases in a row are followed (sendmail, domain.c,
// MAXCNAMEDEPTH).
const maxAliases = 10

// hostState is what became of asking for a host's addresses.
type hostState uint8

const (
	alive hostState = iota // it has addresses
	noName
	noAddress
	aliasLoop
	literal // its name is an IP address
	unknown // DNS did not say
)

// A host is the target of an MX record, or a domain that stands for itself.
type host struct {
	name    string
	state   hostState
	end     string // the name its addresses belong to
	aliases []Record
	records []Record // A and AAAA
	addrs   []netip.Addr
	failure Answer    // of one of the two questions, or of both
	stale   bool      // what is known is out of date
	from    [2]string // who answered for A and for AAAA
	ours    bool
	how     string // it is ours
}

// lookUp asks for the addresses of a name. first are the servers that gave the
// first opinion, by question.
func (c *Checker) lookUp(ctx context.Context, name string, second bool, first [2]string) *host {
	h := &host{name: name, end: name, state: noAddress}
	if isLiteral(name) {
		h.state = literal
		return h
	}
	for i, typ := range []Type{TypeA, TypeAAAA} {
		answer, loop := c.follow(ctx, opinion{second, first[i]}.question(name, typ))
		h.from[i] = answer.Server
		h.stale = h.stale || answer.Stale
		switch {
		case loop:
			h.state = aliasLoop
			return h
		case answer.Failure != "":
			h.failure = answer
			if answer.Failure == DNSTimeout && typ == TypeA {
				h.state = unknown
				return h // it would be waited for in vain
			}
			continue
		case answer.NoName && typ == TypeA:
			h.aliases, h.end, h.state = answer.Aliases, answer.End(name), noName
			return h
		case answer.NoName: // some servers say so of a type they do not have (RFC 4074 4.2)
			continue
		}
		h.aliases, h.end = answer.Aliases, answer.End(name)
		for _, r := range answer.Records {
			h.records = append(h.records, r)
			h.addrs = append(h.addrs, r.Addr.Unmap())
		}
	}
	switch {
	case len(h.addrs) > 0:
		h.state = alive
	case h.failure.Failure != "":
		h.state = unknown
	}
	slices.SortFunc(h.addrs, netip.Addr.Compare)
	slices.SortFunc(h.records, compareRecords)
	return h
}

func compareRecords(a, b Record) int {
	if c := int(a.Type) - int(b.Type); c != 0 {
		return c
	}
	return a.Addr.Compare(b.Addr)
}

// follow asks a question and goes on at the end of its aliases where the
// answer stops short of it. An answer that there is nothing counts only with
// its proof (RFC 2308 2.2); that a name does not exist is said outright.
func (c *Checker) follow(ctx context.Context, q Question) (answer Answer, loop bool) {
	var aliases []Record
	stale := false
	for name := q.Name; ; {
		step := q
		step.Name = name
		answer = c.Resolver.Ask(ctx, step)
		aliases = append(aliases, answer.Aliases...)
		stale = stale || answer.Stale
		answer.Aliases, answer.Stale = aliases, stale
		switch {
		case answer.Failure != "":
			return answer, false
		case len(aliases) > maxAliases || circular(q.Name, aliases):
			return answer, true
		case answer.NoName || len(answer.Records) > 0 || answer.Proof != nil:
			return answer, false
		}
		end := answer.End(q.Name)
		if end == name {
			answer.Failure, answer.Detail = DNSUnproved, answer.Server
			return answer, false
		}
		name = end
	}
}

func circular(from string, aliases []Record) bool {
	seen := map[string]bool{from: true}
	for _, alias := range aliases {
		if seen[alias.Target] {
			return true
		}
		seen[alias.Target] = true
	}
	return false
}

// isLiteral reports whether a target is an IP address that somebody wrote
// where a name belongs.
func isLiteral(name string) bool {
	name = strings.Trim(name, "[]")
	_, err := netip.ParseAddr(name)
	return err == nil
}

// hasPublic reports whether a sender can reach one of the host's addresses,
// one of ours counted: a server behind a NAT may see itself from inside.
func (h *host) hasPublic(us Us) bool {
	return slices.ContainsFunc(h.addrs, func(a netip.Addr) bool {
		_, ours := us.has(a)
		return ours || isPublic(a)
	})
}

// inner gives the addresses that the world cannot reach.
func (h *host) inner() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(h.addrs), isPublic)
}

func (h *host) v6Only() bool {
	return len(h.addrs) > 0 && h.failure.Failure == "" && !slices.ContainsFunc(h.addrs, netip.Addr.Is4)
}

// why says why a host cannot be used; empty when it can.
func (h *host) why(us Us) string {
	switch h.state {
	case noName:
		if len(h.aliases) > 0 {
			return "is an alias of " + h.end + ", which does not exist"
		}
		return "does not exist"
	case noAddress:
		return "has no A or AAAA record"
	case aliasLoop:
		return "is an alias that leads in a circle, or too far"
	case literal:
		return "is an IP address and no host name"
	case unknown:
		return "is unknown: " + failureText(h.failure)
	}
	if !h.hasPublic(us) {
		return "has only addresses that the world cannot reach: " + joinAddrs(h.addrs)
	}
	return ""
}

func joinAddrs(addrs []netip.Addr) string {
	const most = 4
	var b strings.Builder
	for i, addr := range addrs {
		if i == most {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(addr.String())
	}
	return b.String()
}
