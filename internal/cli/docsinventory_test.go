package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"virtmap/inventory"
)

// keyHeadings say what a section of keys is.
var keyHeadings = map[string]string{
	"top": "At the top", "included": "In an included file", "host": "host: this mail server", "defaults": "defaults: for every domain", "user": "A user",
	"domain": "A domain", "address": "An address, in its long form", "catch_all": "A catch-all, in its long form", "refusal": "reject and defer, in their long form",
	"sends": "sends, in its long form", "submission": "submission: mail that leaves",
	"guards": "guards: what is an accident", "mx": "mx: how the DNS decides", "outcome": "An expected outcome, under tests",
}

// everyKey returns the part of docs/inventory.md that has the tables of keys.
func everyKey() string {
	var text strings.Builder
	text.WriteString("## Every key\n\n`virtmap man virtmap-inventory` has these too, with the rules behind them.\n")
	cell := strings.NewReplacer("|", "\\|")
	for _, s := range inventory.Sections() {
		fmt.Fprintf(&text, "\n### %s\n\n| key | what it is | value | example |\n| --- | --- | --- | --- |\n", keyHeadings[s.Name])
		for _, k := range s.Keys {
			fmt.Fprintf(&text, "| `%s` | %s | %s | `%s` |\n", k.Name, cell.Replace(k.Doc), cell.Replace(k.Kind), cell.Replace(k.Name+": "+k.Example))
		}
	}
	return text.String()
}

// TestTableOfKeys compares the tables of docs/inventory.md with the keys that an
// inventory is read with. VIRTMAP_UPDATE=1 writes them.
func TestTableOfKeys(t *testing.T) {
	for _, s := range inventory.Sections() {
		if keyHeadings[s.Name] == "" {
			t.Errorf("the section %q has no heading", s.Name)
		}
	}
	const path = "../../docs/inventory.md"
	head, tables, _ := strings.Cut(pageOf(t, "docs/inventory.md"), "## Every key\n")
	if *update {
		if err := os.WriteFile(path, []byte(head+everyKey()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := everyKey(); "## Every key\n"+tables != want {
		t.Errorf("%s: VIRTMAP_UPDATE=1 rewrites its tables, which should be\n%s", path, want)
	}
}

// TestExamplesOfInventory checks each example of docs/inventory.md, with the parts of an
// inventory that it leaves out.
func TestExamplesOfInventory(t *testing.T) {
	parts := strings.Split(pageOf(t, "docs/inventory.md"), "```yaml\n")
	t.Chdir(t.TempDir())
	if len(parts) < 10 {
		t.Fatalf("only %d examples", len(parts)-1)
	}
	if err := os.MkdirAll("domains", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("domains/one.yaml", []byte("domains: {one.example: {catch_all: andrei}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts[1:] {
		text, _, _ := strings.Cut(part, "```")
		for key, rest := range map[string]string{
			"version:": "version: 1\n", "host:": "host: {name: mx1.example.net}\n", "users:": "users: {andrei: , bea: }\n",
			"domains:": "domains: {shop.example: {addresses: {info: bob, old: {reject: Gone}}}}\n",
		} {
			if !strings.HasPrefix(text, key) && !strings.Contains(text, "\n"+key) {
				text += rest
			}
		}
		user := "andrei"
		if !strings.Contains(text, "andrei:") {
			user = "carol"
		}
		text = strings.Replace(text, "bob", user, 1)
		if code, _, said := run(text, "check", "-i", "-"); code != exitOK {
			t.Errorf("check ends with %d: %s\n%s", code, said, text)
		}
	}
}
