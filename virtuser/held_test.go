package virtuser_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// TestHeldDomainsAreNotRelayed holds back random domains of random inventories. Such a
// domain has no row. No row or alias leads to one, because sendmail would relay the
// mail. Rows that lead elsewhere do not change.
func TestHeldDomainsAreNotRelayed(t *testing.T) {
	deferred := 0
	for seed := range peer.Campaign(400) {
		r := rand.New(rand.NewPCG(uint64(seed), 43))
		m, faults := inventory.Parse("mail.yaml", sample.Inventory(r, "/etc/mail", "hash"))
		before := virtuser.Compile(m, faults)
		if faults.Failed() {
			continue
		}
		var held []string
		for i := range m.Domains {
			if d := &m.Domains[i]; d.Enabled && !d.Backup && !m.IsHostName(d.Name) && r.IntN(2) == 0 {
				d.Held = true
				held = append(held, "@"+d.Name)
			}
		}
		leads := func(right string) bool {
			for _, name := range held {
				if strings.Contains(right+",", name+",") {
					return true
				}
			}
			return false
		}
		var anew diag.List
		after := virtuser.Compile(m, &anew)
		if anew.Failed() {
			t.Fatalf("seed %d: %v", seed, anew.Faults())
		}
		waiting := 0
		for i := range after.Table.Len() {
			key, value := after.Table.Row(i)
			was, _ := before.Table.Get(key)
			switch {
			case leads(string(key)):
				t.Errorf("seed %d: a row of a held domain: %s %s", seed, key, value)
			case leads(string(value)):
				t.Errorf("seed %d: %s leads to a held domain: %s", seed, key, value)
			case strings.Contains(string(value), "is not taken here yet"):
				waiting++
				if !leads(string(was)) {
					t.Errorf("seed %d: %s waits, and led to %s", seed, key, was)
				}
			case string(was) != string(value):
				t.Errorf("seed %d: %s leads to %s, and led to %s", seed, key, value, was)
			}
		}
		for line := range strings.Lines(string(after.Aliases.Text())) {
			if line[0] != '#' && leads(strings.TrimSpace(line)) {
				t.Errorf("seed %d: an alias leads to a held domain: %s", seed, line)
			}
		}
		if got := len(follow.Waits(&anew)); (got > 0) != (waiting > 0) {
			t.Errorf("seed %d: %d rows wait, and %d faults say so", seed, waiting, got)
		}
		deferred += waiting
	}
	if deferred == 0 {
		t.Error("no row had to wait: the samples do not reach it")
	}
}
