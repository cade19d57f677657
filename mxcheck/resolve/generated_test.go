package resolve_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/mxcheck"
)

// targetPool has MX targets of every kind.
var targetPool = []string{
	"mx1.example.net.", "mx1.example.net.", "MX1.example.net.", "mx2.example.net.", "nat.example.net.", "six.example.net.", "mixed.example.net.", "inner.example.net.",
	"mx.other.example.", "backup.example.net.", "gone.example.net.", "text.pool.example.", "alias.pool.example.", "alias-gone.pool.example.", "loop.pool.example.",
	"any.wild.pool.example.", "host.tree.pool.example.", "ten.pool.example.", "192.0.2.25.", "mx1.exmaple.net.", "a_b.pool.example.", ".",
}

const poolZone = `
text.pool.example. TXT "x"
alias.pool.example. CNAME mx1.example.net.
alias-gone.pool.example. CNAME gone.example.net.
loop.pool.example. CNAME loop.pool.example.
*.wild.pool.example. A 192.0.2.25
tree.pool.example. DNAME forest.pool.example.
host.forest.pool.example. AAAA 2001:db8:25::9
ten.pool.example. A 10.9.8.7
mx1.exmaple.net. A 203.0.113.9
a_b.pool.example. A 192.0.2.25
`

// generatedZone makes a zone of n domains with MX records of every kind.
func generatedZone(r *rand.Rand, n int) (zone string, subjects []mxcheck.Subject) {
	var b strings.Builder
	b.WriteString(poolZone)
	for i := range n {
		name := fmt.Sprintf("d%d.%s", i, []string{"example", "gen.example", "www.gen.example"}[r.IntN(3)])
		subject := mxcheck.Subject{Domain: name, Backup: r.IntN(6) == 0}
		switch r.IntN(12) {
		case 0:
			fmt.Fprintf(&b, "%s. CNAME d%d.example.\n", name, r.IntN(n))
		case 1:
			fmt.Fprintf(&b, "%s. A 192.0.2.%d\n", name, 24+r.IntN(3))
		case 2: // only a name below it has records
			fmt.Fprintf(&b, "x.%s. A 192.0.2.25\n", name)
		case 3: // it does not exist
		case 4:
			fmt.Fprintf(&b, "*.%s. MX 10 %s\n", name, targetPool[r.IntN(len(targetPool))])
			subject.Domain = []string{"any", "deep.any"}[r.IntN(2)] + "." + name
		default:
			for range 1 + r.IntN(4) {
				fmt.Fprintf(&b, "%s. %d MX %d %s\n", name, 3600, 10*r.IntN(3), targetPool[r.IntN(len(targetPool))])
			}
		}
		subjects = append(subjects, subject)
	}
	return b.String(), subjects
}

// TestGeneratedZones compares the verdicts by zone file, over our own sockets and
// by NSD.
func TestGeneratedZones(t *testing.T) {
	hosts, err := os.ReadFile("../../testdata/dns/hosts.zone")
	if err != nil {
		t.Fatal(err)
	}
	c := zoneCase{us: us("mx1.example.net mx2.example.net 192.0.2.25 2001:db8:25::/64 10.0.0.0/24")}
	text, subjects := generatedZone(rand.New(rand.NewPCG(7, 7)), peer.Campaign(1500))
	c.zone, c.checks = string(hosts)+text, subjects
	zones := loadZone(t, c.zone)
	want := c.verdicts(t, &mxcheck.Checker{Resolver: zones})
	if got := c.verdicts(t, &mxcheck.Checker{Resolver: client(t, serve(t, zones, nil)), Confirm: true}); got != want {
		t.Errorf("over sockets: %s", difference(want, got))
	}
	ids := map[string]int{}
	for line := range strings.Lines(want) {
		if id, _, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && strings.HasPrefix(line, "  mx-") {
			ids[id]++
		}
	}
	if len(ids) < 20 {
		t.Errorf("only %d ids: %v", len(ids), ids)
	}
	server := peer.NSD(t, map[string]string{".": c.zone})
	if got := c.verdicts(t, &mxcheck.Checker{Resolver: client(t, server), Confirm: true}); got != want {
		t.Errorf("by NSD: %s", difference(want, got))
	}
}
