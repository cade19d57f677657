package resolve

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"virtmap/internal/mailaddr"
	"virtmap/mxcheck"
)

// readAnswer returns the Answer of a reply. broken is true for a packet without
// the whole answer. Then the Answer has the failure, in case TCP fails too.
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
	a.Authoritative, a.Validated = m.Authoritative, m.AuthenticatedData && asksValidated(q.Type)
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

// whole reports whether a packet has as many records as its header says, and each
// record its data. Unpack accepts less.
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

// errorCodes returns the extended errors of a reply (RFC 8914).
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

// describe returns extended errors as text.
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

// rcodeName returns the name of a response code.
func rcodeName(rcode int) string {
	if name, ok := dns.RcodeToString[rcode]; ok {
		return name
	}
	return fmt.Sprintf("RCODE %d", rcode)
}

// failure returns the failure that the codes of a reply stand for (RFC 8914 4), or
// an empty id for an answer.
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

// referral returns the failure for an empty answer that only refers to other
// servers, or an empty id.
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

// mostAliases is the most aliases that are read from one answer. It is more than
// mxcheck follows, so that mxcheck can report too many.
const mostAliases = 12

// pick returns the aliases from the name of a question on, and the records of the
// type at their end. It ignores all other records of the answer.
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

// maxName is the length of the longest name as text, without its final dot and
// without escapes (RFC 1035 3.1).
const maxName = 253

// aliasOf returns the CNAME record of a name. Without one, it makes the CNAME
// record from the DNAME record of a domain above (RFC 6672 3.1), which a server may
// leave to the client.
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

// cutName returns the labels of a name before the name of its owner. under is
// false when the name is not below the owner.
func cutName(name, owner string) (labels string, under bool) {
	if owner == "." {
		return name, name != "."
	}
	return strings.CutSuffix(name, "."+owner)
}

// record returns a record of package dns as one of mxcheck. ok is false for types
// that mxcheck does not need.
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
	case *dns.PTR:
		r.Target = folded(rr.Ptr)
	case *dns.TXT:
		for _, text := range rr.Txt {
			r.Text += unescape(text)
		}
	case *dns.TLSA:
		r.Text = fmt.Sprintf("%d %d %d %s", rr.Usage, rr.Selector, rr.MatchingType, strings.ToLower(rr.Certificate))
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

// unescape returns the octets of a text of package dns, which has quotes, backslashes
// and octets that are not printable with a backslash in front.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 10, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		i++
		b.WriteByte(text[i])
	}
	return b.String()
}

// folded returns a name of package dns in lower case, without its final dot, and
// with only the escapes that it needs.
func folded(name string) string {
	if name == "." || name == "" {
		return "."
	}
	if strings.Contains(name, `\`) {
		wire := make([]byte, 256)
		if _, err := dns.PackDomainName(name, wire, 0, nil, false); err == nil {
			name, _, _ = dns.UnpackDomainName(wire, 0) // no error: PackDomainName made it
		}
	}
	return mailaddr.Lower(strings.TrimSuffix(name, ".")) // RFC 4343: A to Z, and nothing else
}

// proof returns the SOA record that proves an answer without records (RFC 2308
// 2). It is that of a zone with the name.
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
