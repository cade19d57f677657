package cli

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestRowsThatAreRuledOutEndElsewhere compares the results of who with a search that
// rules out no row, for every user and address of generated inventories.
func TestRowsThatAreRuledOutEndElsewhere(t *testing.T) {
	found := 0
	for seed := range uint64(60) {
		m, faults := inventory.Parse("mail.yaml", sample.Inventory(rand.New(rand.NewPCG(seed, 9)), "/etc/mail", "hash"))
		source := sendmail.Compile(m, faults)
		if faults.Failed() {
			continue
		}
		var names []string
		for _, u := range m.Users {
			names = append(names, u.Name.Text, u.Forward.Text, u.Mailbox.Text)
		}
		for _, name := range names {
			if name == "" {
				continue
			}
			quick, err := searchOf(source, sendmail.Server, name)
			slow, again := searchOf(source, sendmail.Server, name)
			if err := errors.Join(err, again); err != nil {
				t.Fatal(err)
			}
			slow.others = nil
			got, want := quick.all(), slow.all()
			if found += len(got); !slices.Equal(got, want) {
				t.Errorf("seed %d, %s: got %v, want %v", seed, name, got, want)
			}
		}
	}
	t.Logf("%d addresses were found", found)
	if found == 0 {
		t.Error("no address was found")
	}
}
