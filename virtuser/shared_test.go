package virtuser

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/peer"
	"virtmap/internal/sample"
	"virtmap/inventory"
)

// everything gives everything that comes out of an inventory, in words.
func everything(t *testing.T, text string) string {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	c := Compile(m, faults)
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources, Least: diag.Note}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	out.Write(c.Table.Text())
	for i := range c.Table.Len() {
		key, value := c.Table.Row(i)
		fmt.Fprintf(&out, "%s %s %d\n", key, value, c.Table.Pos(i))
	}
	out.Write(c.Aliases.Text())
	return out.String()
}

func TestProcessorsMakeNoDifference(t *testing.T) {
	defer func(least int) { leastDomains = least }(leastDomains)
	leastDomains = 1
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	circles := 0
	for seed := range peer.Campaign(300) {
		text := sample.Inventory(rand.New(rand.NewPCG(uint64(seed), 6)), "/etc/mail", "hash")
		runtime.GOMAXPROCS(1)
		want := everything(t, text)
		runtime.GOMAXPROCS(4)
		if got := everything(t, text); got != want {
			t.Fatalf("four processors make\n%s\nand one makes\n%s\nof\n%s", got, want, text)
		}
		if strings.Contains(want, "circle") {
			circles++
		}
	}
	if circles == 0 {
		t.Error("no sample has a circle")
	}
}
