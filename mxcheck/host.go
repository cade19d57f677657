package mxcheck

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// maxAliases is the number of aliases in a row that are followed (sendmail,
// domain.c, MAXCNAMEDEPTH).
const maxAliases = 10

// hostState is the result of the questions for a host's addresses.
type hostState uint8

const (
	alive hostState = iota // it has addresses
	noName
	noAddress
	aliasLoop
	literal // its name is an IP address
	unknown // the questions failed
)

// A host is the target of an MX record, or a domain without MX records.
type host struct {
	name    string
	state   hostState
	end     string // the name its addresses belong to
	aliases []Record
	records []Record // A and AAAA
	addrs   []netip.Addr
	failure Answer    // of one of the two questions, or of both
	stale   bool      // an answer is older than its time to live
	from    [2]string // the servers that answered for A and for AAAA
	ours    bool      // it is this server
	how     string    // how it was matched: "by name", "by address …"
}

// lookUp asks for the A and AAAA records of a name. first are the servers that
// gave the first opinion on each.
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
				return h // the question for AAAA would get no answer either
			}
			continue
		case answer.NoName && typ == TypeA:
			h.aliases, h.end, h.state = answer.Aliases, answer.End(name), noName
			return h
		case answer.NoName: // some servers deny the name when they do not have the type (RFC 4074 4.2)
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

// follow asks a question of the resolver of the Checker. See Follow.
func (c *Checker) follow(ctx context.Context, q Question) (answer Answer, loop bool) {
	return Follow(ctx, c.Resolver, q)
}

// Follow asks a question. When the answer ends in an alias without its records,
// Follow asks for the end of the alias. An answer without records is accepted with
// its proof only (RFC 2308 2.2). NXDOMAIN needs no proof. loop is true for aliases
// that lead in a circle, or further than 10 names.
func Follow(ctx context.Context, r Resolver, q Question) (answer Answer, loop bool) {
	var aliases []Record
	stale, validated := false, true
	for name := q.Name; ; {
		step := q
		step.Name = name
		answer = r.Ask(ctx, step)
		aliases = append(aliases, answer.Aliases...)
		stale, validated = stale || answer.Stale, validated && answer.Validated
		answer.Aliases, answer.Stale, answer.Validated = aliases, stale, validated
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

// circular reports whether aliases lead back to a name before.
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

// isLiteral reports whether a target is an IP address in place of a name.
func isLiteral(name string) bool {
	name = strings.Trim(name, "[]")
	_, err := netip.ParseAddr(name)
	return err == nil
}

// hasPublic reports whether senders can reach one of the host's addresses. An
// address of this server counts too, because a server behind a NAT may get its
// inner address from the resolver.
func (h *host) hasPublic(us Us) bool {
	return slices.ContainsFunc(h.addrs, func(a netip.Addr) bool {
		_, ours := us.has(a)
		return ours || isPublic(a)
	})
}

// inner returns the addresses that are not public.
func (h *host) inner() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(h.addrs), isPublic)
}

// v6Only reports whether the host has IPv6 addresses and no IPv4 address.
func (h *host) v6Only() bool {
	return len(h.addrs) > 0 && h.failure.Failure == "" && !slices.ContainsFunc(h.addrs, netip.Addr.Is4)
}

// why describes why senders cannot use a host. It returns an empty text when they
// can.
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
