package importer_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	building "virtmap/internal/build"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestRoundTripOfExim builds generated inventories for Exim and imports them again. Every
// address has the same outcome.
func TestRoundTripOfExim(t *testing.T) {
	roundTrips(t, exim.Server, func(r *rand.Rand, seed int) string {
		return sample.Inventory(r, exim.DefaultDir, exim.Server.Maps[seed%3])
	})
}

// TestRoundTripOfOpenSMTPD builds generated inventories for OpenSMTPD and imports them again.
// Every address has the same outcome.
func TestRoundTripOfOpenSMTPD(t *testing.T) {
	roundTrips(t, opensmtpd.Server, func(r *rand.Rand, _ int) string {
		return sample.Plain(sample.Inventory(r, opensmtpd.DefaultDir, opensmtpd.Server.Maps[0]))
	})
}

func roundTrips(t *testing.T, kind *mta.Server, sampled func(r *rand.Rand, seed int) string) {
	t.Helper()
	tried, compared := 0, 0
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(9, uint64(seed)))
		text := strings.Replace(sampled(r, seed), "host: {", "host: {server: "+kind.Name+", ", 1)
		m, faults := inventory.Parse("mail.yaml", text)
		b := kind.Compile(m, faults)
		if faults.Failed() {
			continue
		}
		tried++
		server := imports(t, kind, written(t, kind, b))
		inv, err := server.Inventory("mail.yaml")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if inv.Left > 0 {
			t.Fatalf("seed %d: %d rows were left out:\n%s\n%s", seed, inv.Left, text, inv.Text)
		}
		p, err := server.Prove(inv, opened(t, kind, written(t, kind, inv.Source), server.Delivers))
		if err != nil {
			t.Fatal(err)
		}
		if rows, _ := b.Size(); len(p.Found) > 0 || p.Compared < rows {
			d := append(p.Found, importer.Difference{})[0]
			t.Fatalf("seed %d: %d compared, %d differ; %s: %+v -> %+v\n%s\n%s", seed, p.Compared, len(p.Found), d.Address, d.Old, d.New, text, inv.Text)
		}
		if formatted, _, faults, err := inventory.Format("mail.yaml", inv.Text); err != nil || faults.Failed() || formatted != inv.Text {
			t.Fatalf("seed %d: fmt would change\n%s\nto\n%s%v", seed, inv.Text, formatted, err)
		}
		compared += p.Compared
	}
	t.Logf("%d inventories, %d addresses", tried, compared)
	if tried < 30 {
		t.Errorf("only %d inventories were tried", tried)
	}
}

// written writes the files of a build into a folder.
func written(t *testing.T, kind *mta.Server, b mta.Build) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := building.WriteSet(context.Background(), kind, b, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// opened opens the files of a folder.
func opened(t *testing.T, kind *mta.Server, dir string, account func(string) bool) mta.Set {
	t.Helper()
	set, err := kind.Open(mta.Place{Dir: dir}, mta.Host{Name: sample.HostName, Account: account})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return set
}

// imports imports the files of a folder.
func imports(t *testing.T, kind *mta.Server, dir string) *importer.Server {
	t.Helper()
	from, err := kind.Import(dir, mta.Host{Name: "other.example.net", Account: account}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	s, err := importer.New(kind, from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
