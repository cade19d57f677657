package resolve_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"virtmap/internal/workshop/peer"
	"virtmap/mxcheck"
)

// sendingZone has the types of records that senders publish.
var sendingZone = `$ORIGIN .
$TTL 3600
. SOA ns. h. 1 2 3 4 300
. NS ns.
fakemail.example. TXT "v=spf1 mx " "-all"
fakemail.example. TXT "quotes \" and \\ and \195\188 and \;"
fakemail.example. TXT "` + strings.Repeat("a", 255) + `" "b"
vm._domainkey.fakemail.example. CNAME vm.keys.example.
vm.keys.example. TXT "v=DKIM1; p="
25.2.0.192.in-addr.arpa. PTR MX1.example.net.
5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx1.example.net.
_25._tcp.mx1.example.net. TLSA 3 1 1 ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789
`

// sendingRecords has questions, and the records that answer them.
var sendingRecords = []struct {
	name string
	typ  mxcheck.Type
	want []mxcheck.Record
}{
	{"fakemail.example", mxcheck.TypeTXT, []mxcheck.Record{
		{Text: "v=spf1 mx -all"}, {Text: `quotes " and \ and ü and ;`}, {Text: strings.Repeat("a", 255) + "b"},
	}},
	{"vm._domainkey.fakemail.example", mxcheck.TypeTXT, []mxcheck.Record{{Text: "v=DKIM1; p="}}},
	{"25.2.0.192.in-addr.arpa", mxcheck.TypePTR, []mxcheck.Record{{Target: "mx1.example.net"}}},
	{"5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa", mxcheck.TypePTR, []mxcheck.Record{{Target: "mx1.example.net"}}},
	{"_25._tcp.mx1.example.net", mxcheck.TypeTLSA, []mxcheck.Record{{Text: "3 1 1 abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"}}},
}

// TestRecordsOfSenders asks for TXT, PTR and TLSA records in zone files, over sockets,
// and of a real name server.
func TestRecordsOfSenders(t *testing.T) {
	zones := loadZone(t, sendingZone)
	t.Run("zone files", func(t *testing.T) { answersForSenders(t, zones) })
	t.Run("sockets", func(t *testing.T) { answersForSenders(t, client(t, serve(t, zones, nil))) })
	t.Run("NSD", func(t *testing.T) {
		answersForSenders(t, client(t, peer.NSD(t, map[string]string{".": sendingZone})))
	})
}

func answersForSenders(t *testing.T, r mxcheck.Resolver) {
	t.Helper()
	for _, c := range sendingRecords {
		a := r.Ask(context.Background(), mxcheck.Question{Name: c.name, Type: c.typ})
		if len(a.Records) == 0 && len(a.Aliases) > 0 { // zone files leave the alias to the caller
			a = r.Ask(context.Background(), mxcheck.Question{Name: a.End(c.name), Type: c.typ})
		}
		var got []mxcheck.Record
		for _, record := range a.Records {
			if again, err := dns.NewRR(record.String()); err != nil || again == nil {
				t.Errorf("%s is no line of a zone file: %v", record, err)
			}
			got = append(got, mxcheck.Record{Target: record.Target, Text: record.Text})
		}
		slices.SortFunc(got, func(a, b mxcheck.Record) int { return strings.Compare(b.Text, a.Text) })
		slices.SortFunc(c.want, func(a, b mxcheck.Record) int { return strings.Compare(b.Text, a.Text) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s: %q %+v, want %q", c.name, c.typ, got, a, c.want)
		}
	}
}

// TestQuoteTXT reads back every text that QuoteTXT writes.
func TestQuoteTXT(t *testing.T) {
	for _, text := range []string{"", "v=spf1 -all", `a "b" \c`, "\x00\x1f\x7f\xff", strings.Repeat("x", 255), strings.Repeat("y", 256), strings.Repeat(`"`, 600)} {
		zones := loadZone(t, "$TTL 60\na.example. SOA ns. h. 1 2 3 4 300\na.example. NS ns.\na.example. TXT "+mxcheck.QuoteTXT(text)+"\n")
		a := zones.Ask(context.Background(), mxcheck.Question{Name: "a.example", Type: mxcheck.TypeTXT})
		if len(a.Records) != 1 || a.Records[0].Text != text {
			t.Errorf("%q becomes %q", text, a.Records)
		}
	}
}

// TestValidated asks a resolver that says that DNSSEC proves its answers, and one that
// says so only when it is asked to.
func TestValidated(t *testing.T) {
	zones := loadZone(t, sendingZone)
	for name, c := range map[string]struct {
		q    mxcheck.Question
		says func(x exchange) bool
		want bool
	}{
		"it says so for a TLSA record":           {mxcheck.Question{Name: "_25._tcp.mx1.example.net", Type: mxcheck.TypeTLSA}, func(x exchange) bool { return x.query.AuthenticatedData }, true},
		"it does not say so":                     {mxcheck.Question{Name: "_25._tcp.mx1.example.net", Type: mxcheck.TypeTLSA}, func(exchange) bool { return false }, false},
		"a question for an address does not ask": {mxcheck.Question{Name: "25.2.0.192.in-addr.arpa", Type: mxcheck.TypePTR}, func(x exchange) bool { return x.query.AuthenticatedData }, false},
	} {
		server := serve(t, zones, func(x exchange) [][]byte {
			return [][]byte{x.changed(func(m *dns.Msg) { m.AuthenticatedData = c.says(x) })}
		})
		r := client(t, server)
		if a := r.Ask(context.Background(), c.q); a.Validated != c.want || len(a.Records) != 1 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
