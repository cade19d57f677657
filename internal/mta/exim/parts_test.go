package exim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestPartsGiveTheSame compiles inventories with one compiler, and in parts. Rows, their
// places and the faults are the same.
func TestPartsGiveTheSame(t *testing.T) {
	usual := leastDomains
	defer func() { leastDomains = usual }()
	rows, kept := 0, 0
	for seed := range uint64(40) {
		text := sample.Inventory(rand.New(rand.NewPCG(seed, 3)), DefaultDir, "cdb")
		text = strings.Replace(text, "host: {", "host: {server: exim, ", 1)
		compiled := func(least int) (Build, string) {
			leastDomains = least
			m, faults := inventory.Parse("mail.yaml", text)
			b := Compile(m, faults)
			return b, fmt.Sprint(faults.Faults())
		}
		whole, said := compiled(1 << 30)
		parts, saidOfParts := compiled(1)
		if !bytes.Equal(whole.addresses.Bytes(), parts.addresses.Bytes()) || said != saidOfParts {
			t.Errorf("seed %d: the parts give\n%s%s\nand one compiler\n%s%s", seed, parts.addresses.Bytes(), saidOfParts, whole.addresses.Bytes(), said)
		}
		for i := range whole.addresses.Len() {
			if whole.addresses.Pos(i) != parts.addresses.Pos(i) {
				t.Errorf("seed %d: row %d is from another place", seed, i)
			}
		}
		rows += whole.addresses.Len()
		if strings.Contains(said, "keeps the detail for an account") {
			kept++
		}
	}
	if rows < 1000 || kept == 0 {
		t.Errorf("only %d rows, and %d inventories with the fault of a detail", rows, kept)
	}
}
