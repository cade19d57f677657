package spf_test

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/sending/spf"
)

// Names, addresses and mistakes of generated zones.
var (
	someNames    = []string{"n0.example", "n1.example", "n2.example", "n3.example", "n4.example", "n5.example", "n6.example", "gone.example"}
	someIPv4     = []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.130", "198.51.100.7"}
	someIPv6     = []string{"2001:db8::1", "2001:db8::2", "2001:db8:1::1"}
	someOddities = strings.Fields(`ip4:192.0.2 ip4:192.0.2.1/33 a:x..y all:x include exists: foo ip6:192.0.2.1 a/33 a//129 mx:%{x}.example redirect= exp=a
		-exp=a.example ip4:192.0.2.1/01 a:b a:%{d x-y=% a:n1.example:25 ptr/24 ptr: =x 1a=b ip6:2001:db8::1/200 a:%{c}.example a:n1.example/24/64 mx/
		ip4:192.0.2.1//64 a:n1.example. a:n1.example.. exists:%{i a:%%{d} a:%{d1r-} include:%{d2} A:N2.EXAMPLE MX//64 a:192.0.2.1 IP4:192.0.2.0/24 ?all
		a:n_1.example a:-n1.example a:n1-.example a:n1.exa-mple a:n1.example- exists:%{l}.%{o} exists:%{ir}.%{v}.n1.example exists:%{p}.n2.example a:%{h}
		a:%{H} exists:%{S} a:%{d3r/}`)
)

func oneOf(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// generatedTerm returns a term, which may have a mistake.
func generatedTerm(r *rand.Rand) string {
	sign, name := oneOf(r, "", "", "", "-", "~", "?", "+"), oneOf(r, someNames...)
	switch r.IntN(12) {
	case 0:
		return sign + "ip6:" + oneOf(r, someIPv6...) + oneOf(r, "", "/64", "/32", "/128")
	case 1:
		return sign + "a" + oneOf(r, "", ":"+name) + oneOf(r, "", "/24", "//64", "/25//48")
	case 2:
		return sign + "mx" + oneOf(r, "", ":"+name) + oneOf(r, "", "", "/24", "//64")
	case 3, 4:
		return sign + "include:" + name
	case 5:
		return sign + "exists:" + oneOf(r, name, "%{i}."+name, "%{l}."+name, "%{d}")
	case 6:
		return sign + "ptr" + oneOf(r, "", ":"+name)
	case 7:
		return oneOf(r, "redirect=", "exp=") + name
	case 8:
		return oneOf(r, someOddities...)
	}
	return sign + "ip4:" + oneOf(r, someIPv4...) + oneOf(r, "", "", "/24", "/25", "/32", "/0")
}

// generatedCase returns a zone in which every name may have an SPF record, and questions.
func generatedCase(r *rand.Rand) peer.PyspfCase {
	c := peer.PyspfCase{Zone: map[string][][2]string{}}
	for _, name := range someNames[:len(someNames)-1] {
		c.Zone[name] = [][2]string{{"TXT", "something else"}}
		add := func(most int, kind string, values []string) {
			for range r.IntN(most + 1) {
				if record := [2]string{kind, oneOf(r, values...)}; !slices.Contains(c.Zone[name], record) {
					c.Zone[name] = append(c.Zone[name], record)
				}
			}
		}
		add(2, "A", someIPv4)
		add(1, "AAAA", someIPv6)
		add(3, "MX", someNames)
		terms := []string{oneOf(r, "v=spf1", "v=spf1", "v=spf1", "V=SPF1", "v=spf1 ")}
		for range r.IntN(6) {
			terms = append(terms, generatedTerm(r))
		}
		if r.IntN(8) > 0 {
			c.Zone[name] = append(c.Zone[name], [2]string{"TXT", strings.Join(append(terms, oneOf(r, "", "-all", "~all", "?all", "-all ")), " ")})
		}
		if r.IntN(20) == 0 {
			c.Zone[name] = append(c.Zone[name], [2]string{"TXT", "v=spf1 -all"})
		}
	}
	for _, ip := range someIPv4 {
		if r.IntN(2) == 0 {
			c.Zone[spf.ReverseName(netip.MustParseAddr(ip))] = [][2]string{{"PTR", oneOf(r, someNames...)}}
		}
	}
	for range 10 {
		c.Questions = append(c.Questions, [3]string{oneOf(r, append(someIPv6, someIPv4...)...), oneOf(r, "andrei@", "a-b@") + oneOf(r, someNames...), oneOf(r, someNames...)})
	}
	return c
}

// pyspfDiffers are reasons for which pyspf says permerror, and RFC 7208 does not.
var pyspfDiffers = map[string]string{
	"Void lookup limit":          "pyspf counts each name without records, and 4.6.4 each term; the limit may be another one",
	"MUST appear at most once":   "6 says so of exp and redirect, and that other modifiers are ignored however often they are there",
	"include has trivial recurs": "4.6.4 limits the lookups, and says nothing about who is included",
}

// TestPyspf asks pyspf the same questions about generated records. It counts how often both
// say the same, and knows the reasons why they may not.
func TestPyspf(t *testing.T) {
	r := rand.New(rand.NewPCG(7208, 1))
	cases := make([]peer.PyspfCase, peer.Campaign(300))
	for i := range cases {
		cases[i] = generatedCase(r)
	}
	answers := peer.Pyspf(t, cases)
	n, differ, seen := 0, 0, map[string]int{}
	for _, c := range cases {
		zone := pyspfZone(c.Zone)
		for _, q := range c.Questions {
			theirs := answers[n]
			n++
			_, domain, _ := strings.Cut(q[1], "@")
			ours := spf.Query{Resolver: zone, IP: netip.MustParseAddr(q[0]), Domain: domain, Sender: q[1], Helo: q[2], Receiver: "unknown"}.Evaluate(context.Background())
			seen[ours.Result.String()]++
			if ours.Result.String() == theirs[0] {
				continue
			}
			differ++
			if theirs[0] != "permerror" || !knownDifference(theirs[1]) {
				t.Errorf("%v: %s %s, pyspf says %q\n%v", q, ours.Result, ours.Why, theirs, c.Zone[domain])
			}
		}
	}
	if n != len(answers) || n != 10*len(cases) || differ > n/20 {
		t.Errorf("%d questions, %d answers, %d differ", n, len(answers), differ)
	}
	for _, result := range []string{"none", "neutral", "pass", "fail", "softfail", "permerror"} {
		if seen[result] < 50 {
			t.Errorf("only %d times %s", seen[result], result)
		}
	}
	t.Logf("%d questions, %d differ; %v", n, differ, seen)
}

func knownDifference(why string) bool {
	for part := range pyspfDiffers {
		if strings.Contains(why, part) {
			return true
		}
	}
	return false
}

// pyspfZone makes a Resolver of a zone.
func pyspfZone(records map[string][][2]string) suiteZone {
	items := map[string][]anyItem{}
	for name, all := range records {
		for _, r := range all {
			items[name] = append(items[name], anyItem{kind: r[0], data: []string{r[1]}})
		}
	}
	return newSuiteZone(items)
}
