package resolve

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// readAnswer turns a packet that answers a question into an Answer. broken
// reports a packet that does not hold the whole answer; its Answer then says
// why, in case there is no other way to get it.
func readAnswer(packet []byte, q mxcheck.Question, server string) (a mxcheck.Answer, broken bool) {
	a.Server = server
	if packet[2]&bitTC != 0 {
		a.Failure, a.Detail = mxcheck.DNSTruncated, server
		return a, true
	}
	var m dns.Msg
	if err := m.Unpack(packet); err != nil || !whole(packet, &m) {
		a.Failure, a.Detail = mxcheck.DNSFormErr, "the answer of "+server+" cannot be read"
		return a, true
	}
	codes := errorCodes(&m)
	a.Stale = slices.ContainsFunc(codes, func(e *dns.EDNS0_EDE) bool {
		return e.InfoCode == dns.ExtendedErrorCodeStaleAnswer || e.InfoCode == dns.ExtendedErrorCodeStaleNXDOMAINAnswer
	})
	a.Authoritative = m.Authoritative
	if a.Failure = failure(&m, codes); a.Failure != "" {
		a.Detail = server + " says " + rcodeName(m.Rcode) + describe(codes)
		return a, false
	}
	a.NoName = m.Rcode == dns.RcodeNameError
	a.Aliases, a.Records = pick(m.Answer, q)
	a.Proof = proof(m.Ns, a.End(q.Name))
	if a.Failure = referral(&m, &a, q); a.Failure != "" {
		a.Detail = server
	}
	return a, false
}

// whole reports whether a packet held as many records as its header says, and
// each its data: Unpack takes less for an answer.
func whole(packet []byte, m *dns.Msg) bool {
	for _, rr := range m.Answer {
		if rr.Header().Rdlength == 0 && rr.Header().Class == dns.ClassINET {
			return false
		}
	}
	counts := []int{len(m.Answer), len(m.Ns), len(m.Extra)}
	for i, n := range counts {
		if int(binary.BigEndian.Uint16(packet[6+2*i:])) != n {
			return false
		}
	}
	return true
}

func errorCodes(m *dns.Msg) []*dns.EDNS0_EDE {
	var codes []*dns.EDNS0_EDE
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				codes = append(codes, e)
			}
		}
	}
	return codes
}

func describe(codes []*dns.EDNS0_EDE) string {
	var b strings.Builder
	for _, e := range codes {
		name := dns.ExtendedErrorCodeToString[e.InfoCode]
		fmt.Fprintf(&b, " (EDE %d %s", e.InfoCode, name)
		if e.ExtraText != "" {
			fmt.Fprintf(&b, ": %.100q", e.ExtraText)
		}
		b.WriteString(")")
	}
	return b.String()
}

func rcodeName(rcode int) string {
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return fmt.Sprintf("RCODE %d", rcode)
}

// failure tells why a response is no answer, by its codes (RFC 8914 4).
func failure(m *dns.Msg, codes []*dns.EDNS0_EDE) mxcheck.ID {
	between := func(low, high uint16) bool {
		return slices.ContainsFunc(codes, func(e *dns.EDNS0_EDE) bool { return low <= e.InfoCode && e.InfoCode <= high })
	}
	switch {
	case between(dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeProhibited) || between(dns.ExtendedErrorCodeForgedAnswer, dns.ExtendedErrorCodeForgedAnswer):
		return mxcheck.DNSBlocked
	case m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError:
		return ""
	case m.Rcode == dns.RcodeServerFailure && between(dns.ExtendedErrorCodeDNSBogus, dns.ExtendedErrorCodeNSECMissing):
		return mxcheck.DNSBogus
	case m.Rcode == dns.RcodeServerFailure && between(dns.ExtendedErrorCodeNoReachableAuthority, dns.ExtendedErrorCodeNetworkError):
		return mxcheck.DNSLame
	case m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeBadVers:
		return mxcheck.DNSFormErr
	case m.Rcode == dns.RcodeNotImplemented:
		return mxcheck.DNSNotImp
	case m.Rcode == dns.RcodeRefused || m.Rcode == dns.RcodeNotAuth:
		return mxcheck.DNSRefused
	}
	return mxcheck.DNSServfail
}

// referral tells an empty answer that only says who else to ask.
func referral(m *dns.Msg, a *mxcheck.Answer, q mxcheck.Question) mxcheck.ID {
	if a.Proof != nil || len(a.Records) > 0 || len(a.Aliases) > 0 || m.Authoritative {
		return ""
	}
	refers := slices.ContainsFunc(m.Ns, func(r dns.RR) bool { return r.Header().Rrtype == dns.TypeNS })
	switch {
	case !m.RecursionAvailable:
		return mxcheck.DNSNotRecursive
	case refers && !a.NoName && q.Type != mxcheck.TypeNS:
		return mxcheck.DNSLame
	}
	return ""
}

// mostAliases is how many aliases are read of one answer: more than the rules
// follow, so that those can tell that they are too many.
const mostAliases = 12

// pick follows the aliases of a question through an answer, and gives them and
// the records of the type asked for at their end. What else there is, is not
// ours.
func pick(all []dns.RR, q mxcheck.Question) (aliases, records []mxcheck.Record) {
	name := mailaddr.Lower(q.Name)
	for range mostAliases {
		alias, ok := aliasOf(all, name)
		if !ok || len(aliases) > 0 && slices.ContainsFunc(aliases, func(r mxcheck.Record) bool { return r.Name == name }) {
			break
		}
		aliases = append(aliases, alias)
		name = alias.Target
	}
	for _, rr := range all {
		if r, ok := record(rr); ok && r.Type == q.Type && r.Name == name && !slices.Contains(records, r) {
			records = append(records, r)
		}
	}
	return aliases, records
}

// maxName is the length of the longest name as text without its final dot
// (RFC 1035 3.1), but for escapes.
const maxName = 253

// aliasOf finds the CNAME record of a name, or makes it of the DNAME record
// above it (RFC 6672 3.1), which a server may leave to us.
func aliasOf(all []dns.RR, name string) (mxcheck.Record, bool) {
	for _, rr := range all {
		if r, ok := record(rr); ok && r.Type == mxcheck.TypeCNAME && r.Name == name {
			return r, true
		}
	}
	for _, rr := range all {
		if d, ok := rr.(*dns.DNAME); ok && d.Hdr.Class == dns.ClassINET {
			if left, under := cutName(name, folded(d.Hdr.Name)); under {
				alias := mxcheck.Record{Name: name, Type: mxcheck.TypeCNAME, TTL: d.Hdr.Ttl, Target: below(left, folded(d.Target))}
				return alias, len(alias.Target) <= maxName
			}
		}
	}
	return mxcheck.Record{}, false
}

// cutName gives the labels of a name that is below another one.
func cutName(name, owner string) (labels string, under bool) {
	if owner == "." {
		return name, name != "."
	}
	return strings.CutSuffix(name, "."+owner)
}

// record turns a record of the wire into one of ours; ok is false for a type
// that the rules do not need.
func record(rr dns.RR) (r mxcheck.Record, ok bool) {
	h := rr.Header()
	r = mxcheck.Record{Name: folded(h.Name), Type: mxcheck.Type(h.Rrtype), TTL: h.Ttl}
	if h.Ttl > math.MaxInt32 {
		r.TTL = 0 // RFC 2181 8
	}
	switch rr := rr.(type) {
	case *dns.MX:
		r.Pref, r.Target = rr.Preference, folded(rr.Mx)
	case *dns.CNAME:
		r.Target = folded(rr.Target)
	case *dns.NS:
		r.Target = folded(rr.Ns)
	case *dns.A:
		r.Addr, ok = netip.AddrFromSlice(rr.A.To4())
		return r, ok && h.Class == dns.ClassINET
	case *dns.AAAA:
		r.Addr, ok = netip.AddrFromSlice(rr.AAAA.To16())
		return r, ok && h.Class == dns.ClassINET
	default:
		return r, false
	}
	return r, h.Class == dns.ClassINET
}

// folded gives a name of the wire in lower case without its final dot, with
// the escapes that it needs and no others.
func folded(name string) string {
	if name == "." || name == "" {
		return "."
	}
	if strings.Contains(name, `\`) {
		wire := make([]byte, 256)
		if _, err := dns.PackDomainName(name, wire, 0, nil, false); err == nil {
			name, _, _ = dns.UnpackDomainName(wire, 0) // what was packed can be unpacked
		}
	}
	return mailaddr.Lower(strings.TrimSuffix(name, ".")) // RFC 4343: A to Z, and nothing else
}

// proof finds the SOA record that proves an empty answer (RFC 2308 2): of a
// zone that the name is in.
func proof(authority []dns.RR, name string) *mxcheck.Proof {
	for _, rr := range authority {
		if soa, ok := rr.(*dns.SOA); ok && soa.Hdr.Class == dns.ClassINET {
			zone := folded(soa.Hdr.Name)
			if zone == "." || zone == name || strings.HasSuffix(name, "."+zone) {
				return &mxcheck.Proof{Zone: zone, TTL: min(soa.Hdr.Ttl, soa.Minttl)}
			}
		}
	}
	return nil
}
