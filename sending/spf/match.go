package spf

import (
	"net/netip"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// match reports whether the address matches a mechanism of the record of a domain (RFC
// 7208 5). problem is the result when the mechanism cannot be evaluated.
func (e *evaluation) match(domain string, t *Term) (matched bool, problem *Answer) {
	if t.AsksDNS() {
		if problem = e.count(domain, t); problem != nil {
			return false, problem
		}
	}
	switch t.Name {
	case "all":
		return true, nil
	case "ip4", "ip6":
		return t.Network.Masked().Contains(e.IP), nil
	case "include":
		return e.include(domain, t)
	case "a":
		return e.hasAddress(domain, t)
	case "mx":
		return e.hasMX(domain, t)
	case "exists":
		a, problem := e.counted(e.target(domain, t), mxcheck.TypeA)
		return len(a.Records) > 0, problem
	}
	return e.hasName(domain, t), nil
}

// count counts a term that asks the DNS (RFC 7208 4.6.4).
func (e *evaluation) count(domain string, t *Term) *Answer {
	e.lookups++
	if !e.unlimited && e.lookups > MaxLookups {
		a := permError("it needs more than %d lookups", MaxLookups)
		a.Domain, a.Term = domain, t
		return &a
	}
	return nil
}

// counted asks a question whose answer counts as void when it has no records (RFC 7208
// 4.6.4).
func (e *evaluation) counted(name string, typ mxcheck.Type) (mxcheck.Answer, *Answer) {
	if !isAskable(name) {
		return mxcheck.Answer{NoName: true}, nil // no question can be asked: it does not match
	}
	a := e.ask(name, typ)
	switch {
	case a.Failure != "":
		problem := tempError(a, name)
		return a, &problem
	case len(a.Records) > 0:
		return a, nil
	}
	return a, e.void()
}

// void counts a term that got an answer without records. The limit is for terms: a term
// with several such answers counts once (RFC 7208 4.6.4).
func (e *evaluation) void() *Answer {
	e.voids++
	if !e.unlimited && e.voids > MaxVoids {
		problem := permError("more than %d of its names have no records", MaxVoids)
		return &problem
	}
	return nil
}

// include evaluates the record of another domain (RFC 7208 5.2).
func (e *evaluation) include(domain string, t *Term) (bool, *Answer) {
	target := e.target(domain, t)
	a := e.checkHost(target)
	switch a.Result {
	case Pass:
		return true, nil
	case Fail, SoftFail, Neutral:
		return false, nil
	case None:
		a = permError("%s has no SPF record", target)
	}
	return false, &a
}

// addressType is the type of the records that have addresses like that of the client.
func (e *evaluation) addressType() mxcheck.Type {
	if e.IP.Is4() {
		return mxcheck.TypeA
	}
	return mxcheck.TypeAAAA
}

// hasAddress evaluates the mechanism a (RFC 7208 5.3).
func (e *evaluation) hasAddress(domain string, t *Term) (bool, *Answer) {
	a, problem := e.counted(e.target(domain, t), e.addressType())
	if problem != nil {
		return false, problem
	}
	return e.inNetwork(t, a.Records), nil
}

// inNetwork reports whether the client is in the network of an address record.
func (e *evaluation) inNetwork(t *Term, records []mxcheck.Record) bool {
	length := t.length6
	if e.IP.Is4() {
		length = t.length4
	}
	for _, r := range records {
		if netip.PrefixFrom(r.Addr.Unmap(), length).Masked().Contains(e.IP) {
			return true
		}
	}
	return false
}

// hasMX evaluates the mechanism mx (RFC 7208 5.4).
func (e *evaluation) hasMX(domain string, t *Term) (bool, *Answer) {
	name := e.target(domain, t)
	a, problem := e.counted(name, mxcheck.TypeMX)
	switch {
	case problem != nil:
		return false, problem
	case len(a.Records) > maxHosts:
		many := permError("%s has more than %d MX records", name, maxHosts)
		return false, &many
	}
	void := false
	for _, r := range a.Records {
		if r.Target == "." {
			continue
		}
		host := e.ask(r.Target, e.addressType())
		if host.Failure != "" {
			failed := tempError(host, r.Target)
			return false, &failed
		}
		if e.inNetwork(t, host.Records) {
			return true, nil
		}
		void = void || len(host.Records) == 0
	}
	if void {
		return false, e.void()
	}
	return false, nil
}

// hasName evaluates the mechanism ptr (RFC 7208 5.5). Questions without an answer do not
// match.
func (e *evaluation) hasName(domain string, t *Term) bool {
	target := mailaddr.Lower(e.target(domain, t))
	for _, name := range e.names() {
		if (name == target || strings.HasSuffix(name, "."+target)) && e.leadsBack(name) {
			return true
		}
	}
	return false
}

// names returns the names that the PTR records of the client have, at most 10.
func (e *evaluation) names() []string {
	var names []string
	for _, r := range e.ask(ReverseName(e.IP), mxcheck.TypePTR).Records {
		names = append(names, r.Target)
	}
	return names[:min(len(names), maxHosts)]
}

// leadsBack reports whether a name has the address of the client.
func (e *evaluation) leadsBack(name string) bool {
	for _, r := range e.ask(name, e.addressType()).Records {
		if r.Addr.Unmap() == e.IP {
			return true
		}
	}
	return false
}

// ReverseName returns the name of the PTR records of an address, without a final dot
// (RFC 1035 3.5, RFC 3596 2.5).
func ReverseName(addr netip.Addr) string {
	addr = addr.Unmap()
	parts := strings.Split(dotted(addr), ".")
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	zone := ".ip6.arpa"
	if addr.Is4() {
		zone = ".in-addr.arpa"
	}
	return strings.Join(parts, ".") + zone
}

// dotted returns an address as the macro %{i} has it: IPv4 as usual, IPv6 with a dot
// between all digits (RFC 7208 7.3).
func dotted(addr netip.Addr) string {
	if addr.Is4() {
		return addr.String()
	}
	const hex = "0123456789abcdef"
	bytes := addr.As16()
	digits := make([]byte, 0, 64)
	for _, b := range bytes {
		digits = append(digits, hex[b>>4], '.', hex[b&15], '.')
	}
	return string(digits[:len(digits)-1])
}
