package importer_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/importer"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// TestIntoKeepsEveryLine adds addresses to generated inventories of one or two files: to
// each of their domains and to a new one. No line is lost, and every new address has
// the outcome of the import.
func TestIntoKeepsEveryLine(t *testing.T) {
	tried, in := 0, []string{"mail.yaml", "part.yaml"}
	for seed := range peer.Campaign(60) {
		r := rand.New(rand.NewPCG(81, uint64(seed)))
		t.Chdir(t.TempDir())
		top, domains, _ := strings.Cut(sample.Inventory(r, "/etc/mail", "hash"), "\ndomains:\n")
		texts := []string{top + "\ninclude: [part.yaml]\n", "domains:\n" + domains}
		if seed%2 == 0 {
			texts = []string{top + "\n" + texts[1], ""}
		}
		for i, text := range texts {
			write(t, ".", in[i], text)
		}
		have, ok := loaded(t)
		if !ok {
			continue
		}
		list := "added@new-domain.example root\n"
		for i := range have.Inventory().Domains {
			if d := &have.Inventory().Domains[i]; d.Enabled && !d.Backup {
				list += "added@" + d.Name + " root, bin\n"
			}
		}
		server, err := importer.OfList(sendmail.Server, "", "lines", list, account)
		if err != nil {
			t.Fatal(err)
		}
		inv, err := server.ForMerge("import")
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := server.Into(have, inv).Files("mail.yaml", nil, readText)
		if err != nil || len(files) != 1+seed%2 {
			t.Fatalf("seed %d: %d files, %v\n%q", seed, len(files), err, texts)
		}
		for i, f := range files {
			keepsLines(t, texts[i], f.Text)
			write(t, ".", f.Path, f.Text)
		}
		after, ok := loaded(t)
		if !ok {
			t.Fatalf("seed %d: it has faults now\n%q", seed, files)
		}
		for line := range strings.Lines(list) {
			addr, _, _ := strings.Cut(line, " ")
			if out, _ := after.Set().Route(addr); !out.Taken {
				t.Errorf("seed %d: %s is %+v\n%q", seed, addr, out, files)
			}
		}
		tried++
	}
	if t.Logf("%d inventories", tried); tried < 20 {
		t.Error("too few")
	}
}

func readText(path string) (string, error) {
	_, text, err := inventory.ReadText(path, nil)
	return text, err
}

// loaded returns the inventory of mail.yaml. ok is false when it has faults.
func loaded(t *testing.T) (s sendmail.Build, ok bool) {
	t.Helper()
	m, faults, err := inventory.Load("mail.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	return sendmail.Compile(m, faults), !faults.Failed()
}

// keepsLines checks that a text has every line of another, in the same order. A line
// that ends in a bracket may have more before the bracket.
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
