package mxcheck

import (
	"context"
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

// TestResembles tells names that are taken for ours from others.
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

// TestPublic tells addresses that the world can reach.
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

// A table answers questions from a list, and nothing to others.
type table map[string]Answer

func (t table) Ask(_ context.Context, q Question) Answer {
	if a, ok := t[q.Name+" "+q.Type.String()]; ok {
		return a
	}
	return Answer{Proof: &Proof{Zone: "example", TTL: 300}}
}

// TestFailuresNeverSpeakAgainst asks with every failure in every place where
// an answer is missing: none of them makes an error.
func TestFailuresNeverSpeakAgainst(t *testing.T) {
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
