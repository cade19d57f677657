package intake_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/intake"
	"virtmap/internal/peer"
	"virtmap/internal/sample"
)

// TestIntoKeepsEveryLine adds addresses to generated inventories: to each of
// their domains and to a new one. Nothing that was there is lost, and all that
// was added leads where it should.
func TestIntoKeepsEveryLine(t *testing.T) {
	tried := 0
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(81, uint64(seed)))
		text := sample.Inventory(r, "/etc/mail", "hash")
		have, ok := compiled(text)
		if !ok {
			continue
		}
		list := "added@new-domain.example root\n"
		for i := range have.Model.Domains {
			if d := &have.Model.Domains[i]; d.Enabled && !d.Backup {
				list += "added@" + d.Name + " root, bin\n"
			}
		}
		server, err := intake.From(sample.HostName, "", []intake.Source{{Kind: "lines", Name: "list", Text: list}}, account)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := server.Inventory("import")
		if err != nil {
			t.Fatal(err)
		}
		merged, _, err := server.Into(have, inv).Text("mail.yaml", text)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		after, ok := compiled(merged)
		if !ok {
			t.Fatalf("seed %d: it has faults now\n%s", seed, merged)
		}
		keepsLines(t, text, merged)
		for line := range strings.Lines(list) {
			addr, _, _ := strings.Cut(line, " ")
			if out := after.Router().Route(addr); !out.Taken() {
				t.Errorf("seed %d: %s is %+v\n%s", seed, addr, out, merged)
			}
		}
		tried++
	}
	if t.Logf("%d inventories", tried); tried < 20 {
		t.Error("too few")
	}
}

// keepsLines wants every line of a text in another, in the order they had; one
// that ends in a bracket may have got more before it.
func keepsLines(t *testing.T, text, merged string) {
	t.Helper()
	lines := strings.Split(merged, "\n")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		kept := func(candidate string) bool {
			end := strings.TrimRight(line, "}] ")
			return candidate == line || end != line && strings.HasPrefix(candidate, end)
		}
		at := slices.IndexFunc(lines, kept)
		if at < 0 {
			t.Fatalf("the line %q is not behind those before it any more\n%s", line, merged)
		}
		lines = lines[at+1:]
	}
}
