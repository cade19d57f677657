package sending_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
	"virtmap/sending"
)

// elsewhere are the ids that tests beside TestSituations lead to.
var elsewhere = []sending.ID{
	sending.SPFUnknown, sending.DKIMUnknown, sending.DMARCUnknown, sending.PTRUnknown, sending.HELOUnknown, sending.STSUnknown, sending.TLSAUnknown,
	sending.TLSRPTUnknown, sending.TLSAMismatch, sending.TLSAInsecure,
}

// silentZone is a domain with everything that a domain that sends has.
const silentZone = `$ORIGIN .
$TTL 3600
. SOA ns. h. 1 2 3 4 300
. NS ns.
fakemail.example. TXT "v=spf1 ip4:192.0.2.25 include:relay.example -all"
relay.example. TXT "v=spf1 ip4:198.51.100.1 -all"
fakemail.example. MX 10 mx1.example.net.
vm._domainkey.fakemail.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
_dmarc.fakemail.example. TXT "v=DMARC1; p=none; rua=mailto:a@reports.example"
fakemail.example._report._dmarc.reports.example. TXT "v=DMARC1"
_mta-sts.fakemail.example. TXT "v=STSv1; id=1"
_smtp._tls.fakemail.example. TXT "v=TLSRPTv1; rua=mailto:a@fakemail.example"
_25._tcp.mx1.example.net. TLSA 3 1 1 abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789
25.2.0.192.in-addr.arpa. PTR mx1.example.net.
mx1.example.net. A 192.0.2.25
`

// silent is a zone in which one name gets no answer.
type silent struct {
	*resolve.Zones
	name    string
	failure mxcheck.ID
}

func (s silent) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	if q.Name == s.name {
		return mxcheck.Answer{Failure: s.failure, Detail: "192.0.2.53"}
	}
	return s.Zones.Ask(ctx, q)
}

func checkSilent(t *testing.T, r mxcheck.Resolver) sending.Verdict {
	t.Helper()
	c := sending.Checker{Resolver: r, Host: sending.Host{Name: "mx1.example.net", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}}
	v := c.Check(context.Background(), sending.Subject{Domain: "fakemail.example", Keys: []sending.Key{{Selector: "vm", File: "vm.private", Problem: "no such file"}},
		Policy: "version: STSv1\nmode: enforce\nmx: mx1.example.net\nmax_age: 1\n"})
	host := c.CheckHost(context.Background())
	v.Findings = append(v.Findings, host.Findings...)
	v.Level = max(v.Level, host.Level)
	return v
}

// TestNoAnswer asks a server that has no answer for one name. The finding about it is
// unknown, and there is no error.
func TestNoAnswer(t *testing.T) {
	zones := loadZone(t, silentZone)
	if v := checkSilent(t, zones); v.Level != mxcheck.Warning {
		t.Fatalf("with all answers: %s", describe("", &v))
	}
	for name, id := range map[string]sending.ID{
		"fakemail.example":                                sending.SPFUnknown,
		"relay.example":                                   sending.SPFUnknown,
		"vm._domainkey.fakemail.example":                  sending.DKIMUnknown,
		"_dmarc.fakemail.example":                         sending.DMARCUnknown,
		"fakemail.example._report._dmarc.reports.example": sending.DMARCUnknown,
		"_mta-sts.fakemail.example":                       sending.STSUnknown,
		"_smtp._tls.fakemail.example":                     sending.TLSRPTUnknown,
		"_25._tcp.mx1.example.net":                        sending.TLSAUnknown,
		"25.2.0.192.in-addr.arpa":                         sending.PTRUnknown,
		"mx1.example.net":                                 sending.HELOUnknown,
	} {
		for _, failure := range []mxcheck.ID{mxcheck.DNSTimeout, mxcheck.DNSServfail, mxcheck.DNSBogus} {
			v := checkSilent(t, silent{zones, name, failure})
			if text := describe("", &v); v.Level != mxcheck.Unknown || !strings.Contains(text, "  "+string(id)+": ") || strings.Contains(text, "_dmarc.fakemail.example. 3600") {
				t.Errorf("%s %s: %s", name, failure, text)
			}
		}
		if name == "fakemail.example" {
			continue
		}
		// Another name in none of the zone files stays unknown for ever: it is no reason to fail.
		if v := checkSilent(t, silent{zones, name, mxcheck.DNSNoZone}); v.Level > mxcheck.Warning {
			t.Errorf("%s in no zone file: %s", name, describe("", &v))
		}
	}
}

// TestOneOfTheZones checks a domain with the zone file of its zone only.
func TestOneOfTheZones(t *testing.T) {
	zones := loadZone(t, `$ORIGIN fakemail.example.
$TTL 3600
@ SOA ns hostmaster 1 2 3 4 300
@ NS ns
@ TXT "v=spf1 include:relay.example ip4:192.0.2.25 -all"
@ MX 10 mx1.example.net.
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:a@reports.example"
`)
	c := sending.Checker{Resolver: zones, Host: sending.Host{Name: "mx1.example.net", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}}
	v := c.Check(context.Background(), sending.Subject{Domain: "fakemail.example"})
	const want = `: warning
  spf-unknown (warning): SPF: include:relay.example is in none of the zone files
  dmarc-unknown (warning): fakemail.example._report._dmarc.reports.example is in none of the zone files
`
	if got := describe("", &v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if host := c.CheckHost(context.Background()); len(host.Findings) > 0 {
		t.Errorf("the host is in none of the zone files: %s", describe("", &host))
	}
}

// TestEachQuestionIsAskedOnce counts the questions about many domains with one SPF include.
func TestEachQuestionIsAskedOnce(t *testing.T) {
	asked := counting{Resolver: loadZone(t, silentZone), counts: map[mxcheck.Question]int{}}
	c := sending.Checker{Resolver: asked, Host: sending.Host{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.26")}}}
	for range 3 {
		c.Check(context.Background(), sending.Subject{Domain: "fakemail.example"})
	}
	for q, n := range asked.counts {
		if n != 1 {
			t.Errorf("%s %s was asked %d times", q.Name, q.Type, n)
		}
	}
	if len(asked.counts) < 8 {
		t.Errorf("only %d questions", len(asked.counts))
	}
}

type counting struct {
	mxcheck.Resolver
	counts map[mxcheck.Question]int
}

func (c counting) Ask(ctx context.Context, q mxcheck.Question) mxcheck.Answer {
	c.counts[q]++
	return c.Resolver.Ask(ctx, q)
}

// TestStopped stops a run at once. No verdict comes from a question that was not asked.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	begin := time.Now()
	c := sending.Checker{Resolver: loadZone(t, silentZone), Host: sending.Host{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}}
	v := c.Check(ctx, sending.Subject{Domain: "fakemail.example"})
	if v.Level != mxcheck.Unknown || time.Since(begin) > time.Second {
		t.Error(describe("", &v))
	}
}

// TestCheckAll checks many domains at the same time, and gets the verdicts that each gets
// alone.
func TestCheckAll(t *testing.T) {
	for _, s := range situations(t) {
		zones := loadZone(t, s.zone)
		var subjects []sending.Subject
		var lines []string
		for range 5 {
			for _, line := range s.checks {
				if line != "host" {
					subjects, lines = append(subjects, s.subject(line)), append(lines, line)
				}
			}
		}
		c := sending.Checker{Resolver: zones, Host: s.host}
		texts := make([]string, len(subjects))
		if err := c.CheckAll(context.Background(), subjects, func(i int, v sending.Verdict) { texts[i] = describe(lines[i], &v) }); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(s.part("want"), text) {
				t.Errorf("%s: together\n%s", s.file, text)
			}
		}
	}
	stopped, stop := context.WithCancel(context.Background())
	stop()
	c := sending.Checker{Resolver: loadZone(t, silentZone)}
	err := c.CheckAll(stopped, []sending.Subject{{Domain: "fakemail.example"}}, func(int, sending.Verdict) { t.Error("a verdict after the end") })
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// mute is a Resolver without an answer. It comes back, or not.
type mute struct {
	asked     *int
	comesBack bool
}

func (m mute) Ask(context.Context, mxcheck.Question) mxcheck.Answer {
	*m.asked++
	return mxcheck.Answer{Failure: mxcheck.DNSTimeout}
}

func (m mute) Recover(context.Context) bool { return m.comesBack }

// TestOutage asks once when no server answers, and goes on when only a name gets no answer.
func TestOutage(t *testing.T) {
	for comesBack, most := range map[bool]int{false: 1, true: 20} {
		asked := 0
		c := sending.Checker{Resolver: mute{&asked, comesBack}, Host: sending.Host{Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.25")}}}
		v := c.Check(context.Background(), sending.Subject{Domain: "fakemail.example"})
		if v.Level != mxcheck.Unknown || asked > most || comesBack && asked < 5 {
			t.Errorf("comes back %v: %d questions, %s", comesBack, asked, describe("", &v))
		}
	}
}
