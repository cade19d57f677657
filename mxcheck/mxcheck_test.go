package mxcheck

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"testing"
)

func TestRulesAreWhole(t *testing.T) {
	seen := map[ID]bool{}
	for _, r := range Rules {
		if seen[r.ID] || r.ID == "" || !strings.HasSuffix(r.Meaning, ".") {
			t.Errorf("%+v", r)
		}
		seen[r.ID] = true
		switch {
		case r.Level == Error && (r.Action == Write || r.Action == Keep):
			t.Errorf("%s is an error and lets the domain in, or keeps it", r.ID)
		case r.Level == Unknown && r.Action != Keep:
			t.Errorf("%s is unknown and moves the domain", r.ID)
		}
	}
}

// TestResembles: some names look like a name of this server, others do not.
func TestResembles(t *testing.T) {
	us := Us{Names: []string{"mx1.example.net"}}
	for name, want := range map[string]bool{
		"mx1.example.net.evil.test": true,
		"notmx1.example.net":        true,
		"mx1.exmaple.net":           true,
		"mxl.example.net":           true,
		"m1.example.net":            true,
		"mx1.example.nett":          true,
		"rnx1.example.net":          true,
		"mx1.xn--xample-2of.net":    true, // with a Cyrillic letter
		"mx2.example.net":           false,
		"mx10.example.net":          false,
		"mail.example.net":          false,
		"mx1.example.org":           false,
		"":                          false,
	} {
		if _, got := us.resembles(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// TestPublic: senders on the Internet can reach some addresses, and not others.
func TestPublic(t *testing.T) {
	for _, text := range []string{"8.8.8.8", "2a00:1450::1", "::ffff:8.8.8.8", "192.0.2.1", "172.32.0.1", "100.63.0.1"} {
		if !isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is public", text)
		}
	}
	for _, text := range []string{"127.0.0.1", "10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1", "0.0.0.0", "::", "::1", "fe80::1", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "255.255.255.255"} {
		if isPublic(netip.MustParseAddr(text)) {
			t.Errorf("%s is not public", text)
		}
	}
}

// A table is a resolver with a list of answers. To any other question it answers
// that there are no records.
type table map[string]Answer

func (t table) Ask(_ context.Context, q Question) Answer {
	if a, ok := t[q.Name+" "+q.Type.String()]; ok {
		return a
	}
	return Answer{Proof: &Proof{Zone: "example", TTL: 300}}
}

// TestFailuresAreNoErrors puts every failure in place of every answer. No verdict
// has the level error.
func TestFailuresAreNoErrors(t *testing.T) {
	mx := Answer{Records: []Record{{Name: "fakemail.example", Type: TypeMX, TTL: 60, Pref: 10, Target: "mx.other.example"}}}
	us := Us{Names: []string{"mx1.example.net"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	for _, rule := range Rules {
		if rule.Level != Unknown {
			continue
		}
		fails := Answer{Failure: rule.ID}
		for name, answers := range map[string]table{
			"the MX records":                     {"fakemail.example MX": fails},
			"both addresses":                     {"fakemail.example MX": mx, "mx.other.example A": fails, "mx.other.example AAAA": fails},
			"the IPv4 address":                   {"fakemail.example MX": mx, "mx.other.example A": fails},
			"the IPv6 address":                   {"fakemail.example MX": mx, "mx.other.example AAAA": fails},
			"the addresses of the domain itself": {"fakemail.example A": fails},
			"the end of an alias": {"fakemail.example MX": {Aliases: []Record{{Name: "fakemail.example", Type: TypeCNAME, Target: "real.example"}}},
				"real.example MX": fails},
		} {
			for _, confirm := range []bool{false, true} {
				c := Checker{Resolver: answers, Us: us, Confirm: confirm}
				if v := c.Check(context.Background(), Subject{Domain: "fakemail.example"}); v.Level == Error || v.Action == Hold {
					t.Errorf("%s for %s: %s, %s: %s", rule.ID, name, v.Level, v.ID(), v.Text())
				}
			}
		}
	}
}

// TestHalfAnswers checks domains with a target of which one of the two questions
// for addresses failed.
func TestHalfAnswers(t *testing.T) {
	const d = "fakemail.example"
	mx := func(pref uint16, target string) Record {
		return Record{Name: d, Type: TypeMX, TTL: 3600, Pref: pref, Target: target}
	}
	addr := func(name, text string) Answer {
		a := netip.MustParseAddr(text)
		typ := TypeA
		if a.Is6() {
			typ = TypeAAAA
		}
		return Answer{Records: []Record{{Name: name, Type: typ, TTL: 3600, Addr: a}}}
	}
	servfail := Answer{Failure: DNSServfail}
	noName := Answer{NoName: true, Proof: &Proof{Zone: "example", TTL: 300}}
	alias := func(a Answer) Answer {
		a.Aliases = []Record{{Name: "www.example", Type: TypeCNAME, TTL: 3600, Target: "mx1.example.net"}}
		return a
	}
	us := Us{Names: []string{"mx1.example.net"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	ours := table{"mx1.example.net A": addr("mx1.example.net", "192.0.2.25")}
	for name, c := range map[string]struct {
		answers table
		want    ID
	}{
		"a better target is not known": {table{d + " MX": {Records: []Record{mx(5, "x.example"), mx(10, "y.example"), mx(20, "mx1.example.net")}},
			"x.example A": servfail, "x.example AAAA": servfail, "y.example A": addr("y.example", "198.51.100.7")}, DNSServfail},
		"a better target is known by half, and foreign": {table{d + " MX": {Records: []Record{mx(5, "x.example"), mx(20, "mx1.example.net")}},
			"x.example A": servfail, "x.example AAAA": addr("x.example", "2001:db8:9::1")}, DNSServfail},
		"a better target is known by half, and inner": {table{d + " MX": {Records: []Record{mx(5, "x.example"), mx(20, "mx1.example.net")}},
			"x.example A": servfail, "x.example AAAA": addr("x.example", "fd00::1")}, DNSServfail},
		"an alias of ours with one address": {table{d + " MX": {Records: []Record{mx(10, "www.example")}},
			"www.example A": alias(addr("mx1.example.net", "192.0.2.25")), "www.example AAAA": servfail}, TargetCNAME},
		"an address, and a server that denies the name for the other type": {table{d + " MX": {Records: []Record{mx(10, "mx1.example.net")}},
			"mx1.example.net AAAA": noName}, OKHere},
		"ours by name, of which only an inner address is known": {table{d + " MX": {Records: []Record{mx(10, "mx1.example.net")}},
			"mx1.example.net A": servfail, "mx1.example.net AAAA": addr("mx1.example.net", "fd00::1")}, DNSServfail},
		"ours by name, and one address unknown": {table{d + " MX": {Records: []Record{mx(10, "mx1.example.net")}},
			"mx1.example.net AAAA": servfail}, OKHere},
		"no MX, and then no name": {table{d + " A": noName}, DNSDisagree},
		"a target without addresses and without proof": {table{d + " MX": {Records: []Record{mx(10, "x.example")}},
			"x.example A": {Server: "192.0.2.53"}, "x.example AAAA": {Server: "192.0.2.53"}}, DNSUnproved},
	} {
		answers := maps.Clone(ours)
		maps.Copy(answers, c.answers)
		checker := Checker{Resolver: answers, Us: us, Confirm: true}
		if v := checker.Check(context.Background(), Subject{Domain: d}); v.ID() != c.want {
			t.Errorf("%s: %s: %s; want %s", name, v.ID(), v.Text(), c.want)
		}
	}
}

// TestStoppedCheck ends the ctx of a check. The next check of the same domain asks
// again.
func TestStoppedCheck(t *testing.T) {
	c := Checker{Resolver: table{"fakemail.example MX": {Records: []Record{{Name: "fakemail.example", Type: TypeMX, Target: "mx1.example.net"}}},
		"mx1.example.net A": {Records: []Record{{Name: "mx1.example.net", Type: TypeA, Addr: netip.MustParseAddr("192.0.2.25")}}}}, Us: Us{Names: []string{"mx1.example.net"}}}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	c.Check(gone, Subject{Domain: "fakemail.example"})
	if v := c.Check(context.Background(), Subject{Domain: "fakemail.example"}); v.ID() != OKHere {
		t.Errorf("%s: %s", v.ID(), v.Text())
	}
}
