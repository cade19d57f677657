package spf_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
	"virtmap/sending/spf"
)

// spfZone has the records of TestEvaluate and TestCost.
const spfZone = `$ORIGIN .
$TTL 3600
. SOA ns. h. 1 2 3 4 300
. NS ns.
plain.example.      TXT "v=spf1 ip4:192.0.2.25 ip6:2001:db8::/64 -all"
plain.example.      TXT "something else"
split.example.      TXT "v=spf1 ip4:192.0" ".2.25 -all"
alias.example.      CNAME plain.example.
loop.example.       CNAME loop.example.
mx.example.         TXT "v=spf1 mx ~all"
mx.example.         MX 10 mx1.example.net.
mx.example.         MX 0 .
mx1.example.net.    A 192.0.2.25
mx1.example.net.    AAAA 2001:db8::25
network.example.    TXT "v=spf1 a:mx1.example.net/24//48 -all"
two.example.        TXT "v=spf1 -all"
two.example.        TXT "V=SPF1 mx"
bad.example.        TXT "v=spf1 ip4:192.0.2.25 ipv4:192.0.2.26 -all"
outer.example.      TXT "v=spf1 include:plain.example include:inner.example ?all"
inner.example.      TXT "v=spf1 include:network.example -all"
missing.example.    TXT "v=spf1 include:nothing.example -all"
nothing.example.    TXT "no record"
moved.example.      TXT "v=spf1 redirect=why.example"
why.example.        TXT "v=spf1 ip4:192.0.2.25 -all exp=text.example"
text.example.       TXT "%{i} is not one of %{d}'s; %{s} %{h} %{r} %{t} %{c}"
nowhere.example.    TXT "v=spf1 redirect=nothing.example"
circle.example.     TXT "v=spf1 include:circle.example -all"
void.example.       TXT "v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.25 -all"
almost.example.     TXT "v=spf1 a:x.example exists:y.example ip4:192.0.2.25 -all"
eleven.example.     TXT "v=spf1 a a a a a a a a a a a ip4:192.0.2.25 -all"
eleven.example.     A 192.0.2.1
ten.example.        TXT "v=spf1 a a a a a a a a a a ip4:192.0.2.25 -all"
ten.example.        A 192.0.2.1
user.example.       TXT "v=spf1 exists:%{l1r-}.%{ir}.%{o2}.users.example -all"
andrei.25.2.0.192.user.example.users.example. A 127.0.0.2
name.example.       TXT "v=spf1 ptr -all"
25.2.0.192.in-addr.arpa. PTR mail.name.example.
26.2.0.192.in-addr.arpa. PTR mail.name.example.
mail.name.example.  A 192.0.2.25
validated.example.  TXT "v=spf1 a:%{p} -all"
behind.example.     TXT "v=spf1 -all include:missing.example"
empty.example.      TXT "v=spf1"
hollow.example.     TXT "v=spf1 a:x..y mx:x..y exists:x..y ip4:192.0.2.25 -all"
chain.example.      TXT "v=spf1 include:outer.example mx -all"
`

func zones(t testing.TB, text string) *resolve.Zones {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	z, faults, err := resolve.LoadZones([]string{file})
	if err != nil || len(faults) > 0 {
		t.Fatal(faults, err)
	}
	return z
}

// TestEvaluate evaluates records, with the term that decides, the lookups and the lookups
// without an answer.
func TestEvaluate(t *testing.T) {
	z := zones(t, spfZone)
	for _, c := range []struct{ domain, ip, want string }{
		{"plain.example", "192.0.2.25", "pass plain.example ip4:192.0.2.25 0/0"},
		{"PLAIN.example.", "::ffff:192.0.2.25", "pass plain.example ip4:192.0.2.25 0/0"},
		{"plain.example", "2001:db8::1", "pass plain.example ip6:2001:db8::/64 0/0"},
		{"plain.example", "192.0.2.26", "fail plain.example -all 0/0"},
		{"split.example", "192.0.2.25", "pass split.example ip4:192.0.2.25 0/0"},
		{"alias.example", "192.0.2.25", "pass alias.example ip4:192.0.2.25 0/0"},
		{"loop.example", "192.0.2.25", "temperror 0/0: the DNS gives no answer for loop.example"},
		{"mx.example", "192.0.2.25", "pass mx.example mx 1/0"},
		{"mx.example", "192.0.2.26", "softfail mx.example ~all 1/0"},
		{"network.example", "192.0.2.99", "pass network.example a:mx1.example.net/24//48 1/0"},
		{"network.example", "2001:db8:0:99::1", "pass network.example a:mx1.example.net/24//48 1/0"},
		{"two.example", "192.0.2.25", "permerror 0/0: two.example has 2 SPF records"},
		{"bad.example", "192.0.2.25", `permerror 0/0: "ipv4:192.0.2.26" of bad.example: there is no mechanism "ipv4"`},
		{"outer.example", "192.0.2.25", "pass outer.example include:plain.example 1/0"},
		{"outer.example", "192.0.2.99", "pass outer.example include:inner.example 4/0"},
		{"outer.example", "198.51.100.1", "neutral outer.example ?all 4/0"},
		{"missing.example", "192.0.2.25", "permerror missing.example include:nothing.example 1/0: nothing.example has no SPF record"},
		{"nothing.example", "192.0.2.25", "none nothing.example 0/0"},
		{"no-such.example", "192.0.2.25", "none no-such.example 0/0"},
		{"example", "192.0.2.25", "none example 0/0"},
		{"a..example", "192.0.2.25", "none a..example 0/0"},
		{"[192.0.2.25]", "192.0.2.25", "none [192.0.2.25] 0/0"},
		{"moved.example", "192.0.2.26", "fail why.example -all 1/0: 192.0.2.26 is not one of why.example's; andrei@moved.example mx1.example.net mx.far.example 1500000000 192.0.2.26"},
		{"nowhere.example", "192.0.2.26", "permerror nowhere.example redirect=nothing.example 1/0: nothing.example, to which redirect=nothing.example leads, has no SPF record"},
		{"circle.example", "192.0.2.26", "permerror circle.example include:circle.example 11/0: it needs more than 10 lookups"},
		{"void.example", "192.0.2.25", "permerror void.example a:z.example 3/3: more than 2 of its names have no records"},
		{"almost.example", "192.0.2.25", "pass almost.example ip4:192.0.2.25 2/2"},
		{"eleven.example", "192.0.2.25", "permerror eleven.example a 11/0: it needs more than 10 lookups"},
		{"ten.example", "192.0.2.25", "pass ten.example ip4:192.0.2.25 10/0"},
		{"user.example", "192.0.2.25", "pass user.example exists:%{l1r-}.%{ir}.%{o2}.users.example 1/0"},
		{"name.example", "192.0.2.25", "pass name.example ptr 1/0"},
		{"name.example", "192.0.2.26", "fail name.example -all 1/0"},
		{"name.example", "192.0.2.27", "fail name.example -all 1/0"},
		{"validated.example", "192.0.2.25", "pass validated.example a:%{p} 1/0"},
		{"validated.example", "2001:db8::1", "fail validated.example -all 1/1"},
		{"hollow.example", "192.0.2.25", "pass hollow.example ip4:192.0.2.25 3/0"},
		{"empty.example", "192.0.2.25", "neutral empty.example 0/0"},
	} {
		q := spf.Query{Resolver: z, IP: netip.MustParseAddr(c.ip), Domain: c.domain, Sender: "andrei@" + c.domain, Helo: "mx1.example.net", Receiver: "mx.far.example", Time: time.Unix(1500000000, 0)}
		if got := describe(q.Evaluate(context.Background())); got != c.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", c.domain, c.ip, got, c.want)
		}
	}
}

func describe(a spf.Answer) string {
	text := a.Result.String()
	if a.Domain != "" {
		text += " " + a.Domain
	}
	if a.Term != nil {
		text += " " + a.Term.Text
	}
	text += fmt.Sprintf(" %d/%d", a.Lookups, a.Voids)
	if more := a.Why + a.Explanation; more != "" {
		text += ": " + more
	}
	return text
}

// TestCost counts what records cost, and finds what receivers stumble over, also behind
// their limits.
func TestCost(t *testing.T) {
	z := zones(t, spfZone)
	for domain, want := range map[string]string{
		"plain.example":   "0",
		"chain.example":   "6; include:outer.example 5; mx 1; void mx",
		"eleven.example":  "11; a 1; a 1; a 1; a 1; a 1; a 1; a 1; a 1; a 1; a 1; a 1",
		"circle.example":  "1; include:circle.example 1; include:circle.example (include:circle.example): the record of circle.example leads back to itself",
		"void.example":    "3; a:x.example 1; a:y.example 1; a:z.example 1; void a:x.example; void a:y.example; void a:z.example",
		"missing.example": "1; include:nothing.example 1; include:nothing.example (include:nothing.example): nothing.example has no SPF record",
		"behind.example":  "0",
		"moved.example":   "1; redirect=why.example 1",
		"nothing.example": "0;  (): nothing.example has no SPF record",
		"loop.example":    "0;  (): the DNS gives no answer for loop.example",
		"a..b":            `0;  (): "a..b" is no name that has records`,
		"bad.example":     `0;  (): "ipv4:192.0.2.26" of bad.example: there is no mechanism "ipv4"`,
	} {
		c := spf.Query{Resolver: z, IP: netip.MustParseAddr("192.0.2.25"), Domain: domain}.Cost(context.Background())
		parts := []string{fmt.Sprint(c.Lookups)}
		for _, term := range c.Terms {
			parts = append(parts, fmt.Sprintf("%s %d", term.Term, term.Lookups))
		}
		for _, void := range c.Voids {
			parts = append(parts, "void "+void.Term)
		}
		for _, p := range c.Problems {
			parts = append(parts, fmt.Sprintf("%s (%s): %s", p.Term, p.Own, p.Why))
		}
		if got := strings.Join(parts, "; "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", domain, got, want)
		}
	}
}

// TestCostHasAnEnd walks through records that include each other without an end.
func TestCostHasAnEnd(t *testing.T) {
	var b strings.Builder
	b.WriteString("$ORIGIN .\n$TTL 60\n. SOA ns. h. 1 2 3 4 300\n. NS ns.\n")
	for i := range 30 {
		fmt.Fprintf(&b, "n%d.example. TXT \"v=spf1 include:n%d.example include:n%d.example include:n%d.example -all\"\n", i, i+1, i+2, i+3)
	}
	asked := 0
	c := spf.Query{Resolver: counting{zones(t, b.String()), &asked}, IP: netip.MustParseAddr("192.0.2.25"), Domain: "n0.example"}.Cost(context.Background())
	if c.Lookups != 60 || asked > 61 {
		t.Errorf("%d lookups, %d questions", c.Lookups, asked)
	}
}

// A counting resolver counts questions.
type counting struct {
	mxcheck.Resolver
	asked *int
}

func (c counting) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	*c.asked++
	return c.Resolver.Ask(ctx, q)
}
