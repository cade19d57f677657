package importer_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// edited changes the account in one line of an inventory, or removes the line.
func edited(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	for range 50 {
		i := r.IntN(len(lines))
		if r.IntN(4) == 0 {
			return strings.Join(slices.Delete(lines, i, i+1), "")
		}
		for _, name := range sample.Accounts {
			if strings.HasSuffix(lines[i], ": "+name+"\n") {
				lines[i] = strings.TrimSuffix(lines[i], name+"\n") + sample.Accounts[r.IntN(len(sample.Accounts))] + "\n"
				return strings.Join(lines, "")
			}
		}
	}
	return text
}

// TestWhatIsSettledNeedsNoAsking compares the proof, which does not ask about settled
// addresses, with a proof that asks about every address.
func TestWhatIsSettledNeedsNoAsking(t *testing.T) {
	tried, differing := 0, 0
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(80, uint64(seed)))
		text := sample.Inventory(r, "/etc/mail", string(inventory.MapText))
		before, ok := compiled(text)
		other, sound := compiled(edited(r, text))
		if !ok || !sound {
			continue
		}
		dir := t.TempDir()
		install(t, dir, before)
		server := open(t, dir, account)
		inv := &importer.Inventory{Source: other}
		quick := prove(t, server, inv)
		whole, err := server.ProveAll(inv, built(t, other, server.Delivers))
		if err != nil {
			t.Fatal(err)
		}
		addresses := func(p importer.Proof) (all []string) {
			for _, d := range p.Found {
				all = append(all, d.Address)
			}
			return all
		}
		if !slices.Equal(addresses(quick), addresses(whole)) || quick.Compared != whole.Compared {
			t.Fatalf("seed %d: of %d addresses differ\n%q\nand of %d, when all are asked about,\n%q", seed, quick.Compared, addresses(quick), whole.Compared, addresses(whole))
		}
		tried++
		if len(whole.Found) > 0 {
			differing++
		}
	}
	t.Logf("%d pairs, %d of them differ", tried, differing)
	if differing == 0 {
		t.Error("no pair differs")
	}
}

// TestFilesThatChange adds rows between the two readings.
func TestFilesThatChange(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sendmail.cf", "Djmx1.example.net\nFw/etc/mail/local-host-names\nKvirtuser text /etc/mail/virtusertable\n")
	write(t, dir, "local-host-names", "a.example\n")
	write(t, dir, "virtusertable", "info@a.example\tandrei\n")
	server := open(t, dir, account)
	inv, err := server.Inventory("mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "virtusertable", "info@a.example\troot\n")
	if _, err := server.Prove(inv, built(t, inv.Source, server.Delivers)); !errors.Is(err, importer.ErrChanged) {
		t.Errorf("the proof ends with %v", err)
	}
}
