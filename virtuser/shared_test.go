package virtuser

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// everything returns all results for an inventory, as a text.
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

func TestProcessorsParseTheSame(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	r := rand.New(rand.NewPCG(1, 8))
	var text strings.Builder
	for i := range 120_000 {
		switch r.IntN(2000) {
		case 0:
			text.WriteString("no right side\n")
		case 1:
			text.WriteString("# a comment\n\n")
		case 2:
			fmt.Fprintf(&text, "twice@d.example\tbox%d\n", i)
		default:
			fmt.Fprintf(&text, "User%d@d%d.example\tbox%d\n", i, i/50, i)
		}
	}
	parsed := func(processors int) string {
		runtime.GOMAXPROCS(processors)
		var sources diag.Sources
		src, err := sources.Add("virtusertable", strings.TrimSuffix(text.String(), "\n"))
		if err != nil {
			t.Fatal(err)
		}
		var faults diag.List
		table := Parse(src, &faults)
		var out strings.Builder
		if err := (diag.Printer{Sources: &sources, Least: diag.Note}).Print(&out, &faults); err != nil {
			t.Fatal(err)
		}
		for i := range table.Len() {
			key, value := table.Row(i)
			fmt.Fprintf(&out, "%s %s %d\n", key, value, table.Pos(i))
		}
		return out.String()
	}
	want := parsed(1)
	if !strings.Contains(want, "error[") || !strings.Contains(want, "\nuser1@d0.example box1 ") {
		t.Errorf("parsed by one it begins\n%.500s", want)
	}
	for _, processors := range []int{2, 3} {
		if parsed(processors) != want {
			t.Errorf("%d processors parse another table", processors)
		}
	}
}

// TestManyFaultsAreTheSame has more faults than two compilers may find separately, and
// users that both compilers use.
func TestManyFaultsAreTheSame(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var text strings.Builder
	text.WriteString("version: 1\nhost: {name: mx1.example.net}\nusers:\n")
	for i := range 6000 {
		fmt.Fprintf(&text, "  u%d: {forward: nobody%d@d0.example}\n", i, i)
	}
	text.WriteString("domains:\n")
	for d := range 1000 {
		fmt.Fprintf(&text, "  d%d.example: {addresses: {", d)
		for i := range 6 {
			fmt.Fprintf(&text, "a%d: u%d, b%d: u%d, ", i, d*6+i, i, 5999-d*6-i)
		}
		text.WriteString("}}\n")
	}
	runtime.GOMAXPROCS(1)
	want := everything(t, text.String())
	runtime.GOMAXPROCS(4)
	if got := everything(t, text.String()); got != want {
		t.Errorf("four processors tell of other faults: %d bytes, not %d", len(got), len(want))
	}
}
