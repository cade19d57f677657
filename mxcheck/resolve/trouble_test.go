package resolve_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// A trouble is a list of servers that misbehave, in the order in which they are
// asked, and the verdict. A nil server answers well.
type trouble struct {
	name    string
	servers []misbehaviour
	want    mxcheck.ID
	detail  string // part of the text
}

func udpOnly(bad misbehaviour) misbehaviour {
	return func(x exchange) [][]byte {
		if x.tcp {
			return [][]byte{x.good}
		}
		return bad(x)
	}
}

// closedTCP closes TCP connections at once.
func closedTCP(bad misbehaviour) misbehaviour {
	return func(x exchange) [][]byte {
		if x.tcp {
			x.w.Close()
			return nil
		}
		return bad(x)
	}
}

func rcode(code int, ede ...uint16) misbehaviour {
	return func(x exchange) [][]byte { return x.rcode(code, ede...) }
}

func changing(change func(m *dns.Msg)) misbehaviour {
	return func(x exchange) [][]byte { return [][]byte{x.changed(change)} }
}

// before sends a packet in front of the good answer.
func before(packet func(x exchange) []byte) misbehaviour {
	return func(x exchange) [][]byte { return [][]byte{packet(x), x.good} }
}

func silence(exchange) [][]byte { return nil }

func truncated(m *dns.Msg) { m.Truncated, m.Answer = true, nil }

func empty(m *dns.Msg) { m.Answer, m.Ns = nil, nil }

func lying(x exchange) [][]byte {
	packet := append([]byte(nil), x.good...)
	binary.BigEndian.PutUint16(packet[6:], 5)
	return [][]byte{packet}
}

func cut(x exchange) [][]byte { return [][]byte{x.good[:len(x.good)-15]} }

// otherPort answers from another port.
func otherPort(x exchange) [][]byte {
	if x.tcp {
		return nil
	}
	if conn, err := net.DialUDP("udp", nil, x.w.RemoteAddr().(*net.UDPAddr)); err == nil {
		_, _ = conn.Write(x.good)
		conn.Close()
	}
	return nil
}

// once answers the first question for the domain, and no further ones.
func once(change func(m *dns.Msg)) misbehaviour {
	return func(x exchange) [][]byte {
		if x.query.Question[0].Name != "fakemail.example." {
			return [][]byte{x.good}
		}
		if x.again > 0 {
			return nil
		}
		return [][]byte{x.changed(change)}
	}
}

func noSuchName(m *dns.Msg) {
	m.Answer, m.Rcode = nil, dns.RcodeNameError
	soa, _ := dns.NewRR(". 300 SOA ns. hostmaster. 1 2 3 4 300")
	m.Ns = []dns.RR{soa}
}

func innerAddress(m *dns.Msg) {
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			a.A = net.ParseIP("10.9.9.9")
		}
	}
	if m.Question[0].Qtype == dns.TypeAAAA {
		empty(m)
		soa, _ := dns.NewRR(". 300 SOA ns. hostmaster. 1 2 3 4 300")
		m.Ns = []dns.RR{soa}
	}
}

func liar(m *dns.Msg) {
	if q := m.Question[0]; strings.HasSuffix(q.Name, ".invalid.") {
		m.Rcode, m.Ns = dns.RcodeSuccess, nil
		a, _ := dns.NewRR(q.Name + " 60 A 203.0.113.80")
		m.Answer = []dns.RR{a}
	}
}

var misbehaviours = []trouble{
	{"silence", []misbehaviour{silence}, mxcheck.DNSTimeout, "no answer from 127.0.0.1"},
	{"a silent server and a good one", []misbehaviour{silence, nil}, mxcheck.OKHere, ""},
	{"silence at first", []misbehaviour{func(x exchange) [][]byte {
		if x.nth <= 3 {
			return nil
		}
		return [][]byte{x.good}
	}}, mxcheck.OKHere, ""},
	{"UDP gets lost", []misbehaviour{udpOnly(silence)}, mxcheck.OKHere, ""},
	{"only a wrong id", []misbehaviour{changing(func(m *dns.Msg) { m.Id++ })}, mxcheck.DNSTimeout, ""},
	{"a wrong id first", []misbehaviour{before(func(x exchange) []byte { return x.changed(func(m *dns.Msg) { m.Id++; noSuchName(m) }) })}, mxcheck.OKHere, ""},
	{"another question first", []misbehaviour{before(func(x exchange) []byte {
		return x.changed(func(m *dns.Msg) { noSuchName(m); m.Question[0].Name = "other.example." })
	})}, mxcheck.OKHere, ""},
	{"a query first", []misbehaviour{before(func(x exchange) []byte { return x.changed(func(m *dns.Msg) { m.Response = false; noSuchName(m) }) })}, mxcheck.OKHere, ""},
	{"three bytes of rubbish first", []misbehaviour{before(func(x exchange) []byte { return x.good[:3] })}, mxcheck.OKHere, ""},
	{"the question in other letters", []misbehaviour{changing(func(m *dns.Msg) { m.Question[0].Name = strings.ToUpper(m.Question[0].Name) })}, mxcheck.OKHere, ""},
	{"a reply that is cut", []misbehaviour{udpOnly(cut)}, mxcheck.OKHere, ""},
	{"a reply that is cut, and no TCP", []misbehaviour{closedTCP(cut)}, mxcheck.DNSFormErr, "cannot be read"},
	{"a count that lies", []misbehaviour{udpOnly(lying)}, mxcheck.OKHere, ""},
	{"a count that lies, also over TCP", []misbehaviour{lying}, mxcheck.DNSFormErr, "cannot be read"},
	{"truncation", []misbehaviour{udpOnly(changing(truncated))}, mxcheck.OKHere, ""},
	{"truncation, and no TCP", []misbehaviour{closedTCP(changing(truncated))}, mxcheck.DNSTruncated, ""},
	{"SERVFAIL, then good", []misbehaviour{func(x exchange) [][]byte {
		if x.nth <= 2 {
			return x.rcode(dns.RcodeServerFailure)
		}
		return [][]byte{x.good}
	}}, mxcheck.OKHere, ""},
	{"SERVFAIL from one of two", []misbehaviour{rcode(dns.RcodeServerFailure), nil}, mxcheck.OKHere, ""},
	{"SERVFAIL", []misbehaviour{rcode(dns.RcodeServerFailure)}, mxcheck.DNSServfail, "says SERVFAIL"},
	{"SERVFAIL everywhere", []misbehaviour{rcode(dns.RcodeServerFailure), rcode(dns.RcodeServerFailure)}, mxcheck.DNSServfail, ""},
	{"SERVFAIL with DNSSEC bogus", []misbehaviour{rcode(dns.RcodeServerFailure, dns.ExtendedErrorCodeDNSKEYMissing)}, mxcheck.DNSBogus, "EDE 9 DNSKEY Missing"},
	{"SERVFAIL, but not without validation", []misbehaviour{func(x exchange) [][]byte {
		if x.query.CheckingDisabled {
			return [][]byte{x.good}
		}
		return x.rcode(dns.RcodeServerFailure)
	}}, mxcheck.DNSBogus, "only without validation"},
	{"SERVFAIL, nobody reachable", []misbehaviour{rcode(dns.RcodeServerFailure, dns.ExtendedErrorCodeNoReachableAuthority)}, mxcheck.DNSLame, "EDE 22"},
	{"a referral", []misbehaviour{changing(func(m *dns.Msg) {
		empty(m)
		ns, _ := dns.NewRR("example. 300 NS ns.example.")
		m.Ns, m.Authoritative = []dns.RR{ns}, false
	})}, mxcheck.DNSLame, ""},
	{"no recursion", []misbehaviour{changing(func(m *dns.Msg) { empty(m); m.Authoritative, m.RecursionAvailable = false, false })}, mxcheck.DNSNotRecursive, ""},
	{"REFUSED", []misbehaviour{rcode(dns.RcodeRefused)}, mxcheck.DNSRefused, "says REFUSED"},
	{"NOTIMP", []misbehaviour{rcode(dns.RcodeNotImplemented)}, mxcheck.DNSNotImp, "says NOTIMP"},
	{"FORMERR", []misbehaviour{rcode(dns.RcodeFormatError)}, mxcheck.DNSFormErr, "says FORMERR"},
	{"FORMERR to EDNS", []misbehaviour{func(x exchange) [][]byte {
		if x.query.IsEdns0() != nil {
			return x.rcode(dns.RcodeFormatError)
		}
		return [][]byte{x.good}
	}}, mxcheck.OKHere, ""},
	{"another port", []misbehaviour{otherPort}, mxcheck.DNSTimeout, ""},
	{"empty without proof", []misbehaviour{changing(empty)}, mxcheck.DNSUnproved, ""},
	{"blocked", []misbehaviour{rcode(dns.RcodeNameError, dns.ExtendedErrorCodeFiltered)}, mxcheck.DNSBlocked, "EDE 17"},
	{"stale", []misbehaviour{changing(func(m *dns.Msg) {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer})
	})}, mxcheck.StaleAnswer, ""},
	{"one says that it does not exist", []misbehaviour{changing(noSuchName), nil}, mxcheck.DNSDisagree, "matched by name"},
	{"both say that it does not exist", []misbehaviour{changing(noSuchName), changing(noSuchName)}, mxcheck.NXDomain, ""},
	{"it does not exist, and nobody says so twice", []misbehaviour{once(noSuchName), silence}, mxcheck.DNSTimeout, ""},
	{"it does not exist, and the other server fails", []misbehaviour{changing(noSuchName), rcode(dns.RcodeServerFailure)}, mxcheck.DNSServfail, "the first answer was: it does not exist"},
	{"it does not exist, and the other server has been silent for long", []misbehaviour{changing(noSuchName), silence}, mxcheck.NXDomain, ""},
	{"it does not exist, and the other server has no TCP", []misbehaviour{changing(noSuchName), closedTCP(func(x exchange) [][]byte { return [][]byte{x.good} })}, mxcheck.DNSDisagree, ""},
	{"the first packet is lost, and the other server is wrong", []misbehaviour{lostOnce("fakemail.example."), changing(noSuchName)}, mxcheck.DNSDisagree, ""},
	{"SERVFAIL many times over", []misbehaviour{func(x exchange) [][]byte {
		one := x.rcode(dns.RcodeServerFailure)[0]
		return [][]byte{one, one, one, one, one, one}
	}, delayed(20 * time.Millisecond)}, mxcheck.OKHere, ""},
	{"FORMERR to EDNS, twice", []misbehaviour{func(x exchange) [][]byte {
		if x.query.IsEdns0() != nil {
			one := x.rcode(dns.RcodeFormatError)[0]
			return [][]byte{one, one}
		}
		return [][]byte{x.good}
	}}, mxcheck.OKHere, ""},
	{"SERVFAIL, and a good answer too late", []misbehaviour{func(x exchange) [][]byte {
		if x.query.CheckingDisabled {
			return nil
		}
		time.AfterFunc(70*time.Millisecond, func() { _, _ = x.w.Write(x.good) })
		return nil
	}}, mxcheck.OKHere, ""},
	{"an MX record without data", []misbehaviour{bare(dns.TypeMX)}, mxcheck.DNSFormErr, "cannot be read"},
	{"no address, without proof", []misbehaviour{changing(func(m *dns.Msg) {
		if m.Question[0].Qtype != dns.TypeMX {
			empty(m)
		}
	})}, mxcheck.DNSUnproved, "the addresses of its MX"},
	{"an address of another class", []misbehaviour{changing(func(m *dns.Msg) {
		for _, rr := range m.Answer {
			if rr.Header().Rrtype == dns.TypeA {
				rr.Header().Class = dns.ClassCHAOS
			}
		}
	})}, mxcheck.DNSUnproved, ""},
	{"the target does not exist, which is out of date", []misbehaviour{changing(func(m *dns.Msg) {
		if m.Question[0].Qtype != dns.TypeMX {
			noSuchName(m)
			m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleNXDOMAINAnswer})
		}
	})}, mxcheck.StaleAnswer, "it was: its MX mx1.example.net does not exist"},
	{"SERVFAIL, and without validation an answer that needs TCP", []misbehaviour{func(x exchange) [][]byte {
		switch {
		case !x.query.CheckingDisabled:
			return x.rcode(dns.RcodeServerFailure)
		case !x.tcp:
			return [][]byte{x.changed(truncated)}
		}
		return [][]byte{x.good}
	}}, mxcheck.DNSBogus, "only without validation"},
	{"one packet is lost, and the other server has an old answer about the target", []misbehaviour{lostOnce("mx1.example.net."), changing(func(m *dns.Msg) {
		if m.Question[0].Name == "mx1.example.net." {
			noSuchName(m)
		}
	})}, mxcheck.DNSDisagree, ""},
	{"REFUSED, and another server whose UDP gets lost", []misbehaviour{rcode(dns.RcodeRefused), udpOnly(silence)}, mxcheck.OKHere, ""},
	{"control characters in an explanation", []misbehaviour{changing(func(m *dns.Msg) {
		m.Rcode, m.Answer = dns.RcodeServerFailure, nil
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "\x1b[2Jgone\n"})
	})}, mxcheck.DNSBogus, `"\x1b[2Jgone\n"`},
	{"inner addresses from one", []misbehaviour{changing(innerAddress), nil}, mxcheck.SplitHorizon, ""},
	{"a resolver that lies", []misbehaviour{changing(liar)}, mxcheck.ResolverLies, "203.0.113.80"},
	{"a resolver that lies behind a good one", []misbehaviour{nil, changing(liar)}, mxcheck.ResolverLies, ""},
}

// lostOnce loses the first question for a name.
func lostOnce(name string) misbehaviour {
	return func(x exchange) [][]byte {
		if x.query.Question[0].Name == name && x.again == 0 {
			return nil
		}
		return [][]byte{x.good}
	}
}

// delayed gives the good answer after some time.
func delayed(by time.Duration) misbehaviour {
	return func(x exchange) [][]byte {
		time.AfterFunc(by, func() { _, _ = x.w.Write(x.good) })
		return nil
	}
}

// bare gives the good answer without the data of records of a type.
func bare(kind uint16) misbehaviour {
	return func(x exchange) [][]byte {
		return [][]byte{x.changed(func(m *dns.Msg) {
			for i, rr := range m.Answer {
				if rr.Header().Rrtype == kind {
					m.Answer[i] = &dns.RFC3597{Hdr: dns.RR_Header{Name: rr.Header().Name, Rrtype: kind, Class: dns.ClassINET, Ttl: 60}}
				}
			}
		})}
	}
}

func fakemail(t testing.TB) *resolve.Zones {
	t.Helper()
	return loadZone(t, "$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nfakemail.example. MX 10 mx1.example.net.\nmx1.example.net. A 192.0.2.25\n")
}

func checkFakemail(t testing.TB, c *mxcheck.Checker) mxcheck.Verdict {
	t.Helper()
	c.Us, c.Absent = us("mx1.example.net"), "No-Such-Name"
	var verdict mxcheck.Verdict
	err := c.CheckAll(context.Background(), []mxcheck.Subject{{Domain: "fakemail.example"}}, func(_ int, v mxcheck.Verdict) { verdict = v })
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

// TestTrouble asks servers that misbehave. A busy machine may be slower than the waits of
// the first try, so a wrong verdict is asked for again with longer waits.
func TestTrouble(t *testing.T) {
	for _, c := range misbehaviours {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			zones := fakemail(t)
			var v mxcheck.Verdict
			for _, times := range []time.Duration{1, 6, 30} {
				var servers []netip.AddrPort
				for _, bad := range c.servers {
					servers = append(servers, serve(t, zones, bad))
				}
				resolver := open(t, slower(quick(servers...), times))
				v = checkFakemail(t, &mxcheck.Checker{Resolver: resolver, Confirm: true})
				if v.ID() == c.want && strings.Contains(v.Text(), c.detail) {
					break
				}
			}
			if v.ID() != c.want || !strings.Contains(v.Text(), c.detail) {
				t.Errorf("got %s: %s\nwant %s: … %s", v.ID(), v.Text(), c.want, c.detail)
			}
			if v.Level == mxcheck.Unknown && v.Action != mxcheck.Keep {
				t.Errorf("an unknown verdict says %s", v.Action)
			}
		})
	}
}

// TestAuthorities finds name servers that disagree.
func TestAuthorities(t *testing.T) {
	zone := "$ORIGIN .\n$TTL 3600\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\nexample. NS ns1.example.\nexample. NS ns2.example.\nns1.example. A 127.0.0.1\nns2.example. A 127.0.0.2\n" +
		"mx1.example.net. A 192.0.2.25\nfakemail.example. MX 10 mx1.example.net.\n"
	inner := strings.ReplaceAll(zone, "example. NS", "; example. NS")
	zones := loadZone(t, inner)
	withNS := func(x exchange) [][]byte {
		return [][]byte{x.changed(func(m *dns.Msg) {
			if m.Question[0].Qtype == dns.TypeNS && m.Question[0].Name == "example." {
				empty(m)
				for _, text := range []string{"example. 60 NS ns1.example.", "example. 60 NS ns2.example."} {
					rr, _ := dns.NewRR(text)
					m.Answer = append(m.Answer, rr)
				}
			}
		})}
	}
	server := serve(t, zones, withNS)
	other := loadZone(t, strings.ReplaceAll(inner, "MX 10", "MX 20"))
	serveOn(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), server.Port()).String(), other, nil)
	config := quick(server)
	config.AuthorityPort = server.Port()
	v := checkFakemail(t, &mxcheck.Checker{Resolver: open(t, config), Authoritative: true})
	want := "its name servers disagree: ns1.example has MX 10 mx1.example.net; ns2.example has MX 20 mx1.example.net"
	if v.ID() != mxcheck.InconsistentNS || v.Text() != want {
		t.Errorf("%s: %s", v.ID(), v.Text())
	}
}

// TestNoZone asks for names that are in no zone file.
func TestNoZone(t *testing.T) {
	zones := loadZone(t, "$ORIGIN example.\n$TTL 3600\n@ SOA ns h 1 2 3 4 300\n@ NS ns\nshop MX 10 mx1.example.net.\naway NS ns.away\n")
	c := mxcheck.Checker{Resolver: zones, Us: us("mx1.example.net")}
	for domain, want := range map[string]mxcheck.ID{
		"other.test": mxcheck.SpecialUse, "other.org": mxcheck.DNSNoZone, "x.away.example": mxcheck.DNSNoZone, "shop.example": mxcheck.OKHere,
	} {
		if v := c.Check(context.Background(), mxcheck.Subject{Domain: domain}); v.ID() != want {
			t.Errorf("%s: %s, want %s", domain, v.ID(), want)
		}
	}
}

// TestStopped ends a run that waits for silent servers.
func TestStopped(t *testing.T) {
	server := serve(t, fakemail(t), silence)
	c := mxcheck.Checker{Resolver: open(t, resolve.Config{Servers: []netip.AddrPort{server}}), Absent: "no-such-name"}
	subjects := make([]mxcheck.Subject, 5000)
	for i := range subjects {
		subjects[i].Domain = "fakemail.example"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := c.CheckAll(ctx, subjects, func(int, mxcheck.Verdict) { t.Error("a verdict") })
	if took := time.Since(start); err == nil || took > 5*time.Second {
		t.Errorf("it ended after %v with %v", took, err)
	}
	if v := c.Check(ctx, subjects[0]); v.ID() != mxcheck.DNSStopped {
		t.Errorf("%s", v.ID())
	}
}

// TestSilenceIsShort asks a silent server for many domains. That must not take as
// long as the tries for each.
func TestSilenceIsShort(t *testing.T) {
	server := serve(t, fakemail(t), silence)
	c := mxcheck.Checker{Resolver: client(t, server), Confirm: true, Absent: "no-such-name"}
	subjects := make([]mxcheck.Subject, 20000)
	for i := range subjects {
		subjects[i].Domain = "fakemail.example"
	}
	n := 0
	start := time.Now()
	if err := c.CheckAll(context.Background(), subjects, func(_ int, v mxcheck.Verdict) {
		if v.ID() == mxcheck.DNSTimeout {
			n++
		}
	}); err != nil || n != len(subjects) {
		t.Errorf("%d timeouts, %v", n, err)
	}
	t.Logf("%v", time.Since(start))
}

// TestNoWayToTheServer asks a server that this machine cannot reach. It counts as
// silent, and is no error.
func TestNoWayToTheServer(t *testing.T) {
	nowhere := netip.MustParseAddrPort("[fe80::1%no-such-interface]:53")
	v := checkFakemail(t, &mxcheck.Checker{Resolver: client(t, nowhere), Confirm: true})
	if v.ID() != mxcheck.DNSTimeout || v.Action != mxcheck.Keep {
		t.Errorf("%s: %s", v.ID(), v.Text())
	}
	v = checkFakemail(t, &mxcheck.Checker{Resolver: client(t, nowhere, serve(t, fakemail(t), nil)), Confirm: true})
	if v.ID() != mxcheck.OKHere {
		t.Errorf("beside a good one: %s: %s", v.ID(), v.Text())
	}
}

// TestOneServerTwice has the same server twice. It counts once, and gives both
// opinions.
func TestOneServerTwice(t *testing.T) {
	server := serve(t, fakemail(t), changing(noSuchName))
	v := checkFakemail(t, &mxcheck.Checker{Resolver: client(t, server, server), Confirm: true})
	if v.ID() != mxcheck.NXDomain || len(v.Servers) != 1 {
		t.Errorf("%s: %s, by %v", v.ID(), v.Text(), v.Servers)
	}
}
