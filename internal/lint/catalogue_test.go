package lint_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/mta/servers"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// checked reads an inventory as the command check does.
func checked(t *testing.T, text string) (*inventory.Model, *diag.List) {
	t.Helper()
	t.Chdir(t.TempDir())
	part := filepath.Join("domains", "part.yaml")
	if err := os.Mkdir(filepath.Dir(part), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"mail.yaml": text, part: "domains: {included.example: {addresses: {info: andrei}}}\n"} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, faults, err := inventory.Load("mail.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	known.Tune(m, faults)
	server, ok := servers.ByName(string(m.Host.Server))
	if !ok {
		t.Fatalf("there is no server %q", m.Host.Server)
	}
	server.Compile(m, faults)
	var skipped []*diag.Check
	if lint.Sound(faults) {
		lint.Tests(m, faults)
		senders.Check(m, faults)
	}
	if lint.Sound(faults) {
		skipped = lint.Advise(m, []string{"root", "andrei"}, diag.Note, faults)
	}
	known.Ignored(m, skipped, faults)
	return m, faults
}

// reported returns the ids of all faults of an inventory, and the ids of the errors.
func reported(t *testing.T, text string) (all, errors []string) {
	t.Helper()
	m, faults := checked(t, text)
	for _, f := range (diag.Printer{Sources: m.Sources, Least: diag.Note}).Located(faults) {
		all = append(all, f.Check.ID)
		if f.Severity == diag.Error {
			errors = append(errors, f.Check.ID+": "+f.Text)
		}
	}
	return all, errors
}

// TestEveryCheckIsExplained runs the examples of the catalogue.
func TestEveryCheckIsExplained(t *testing.T) {
	sections := map[string]int{}
	for id := range lint.Sections(known) {
		sections[id]++
	}
	for _, c := range known.All() {
		_, e, _ := known.Explain(c.ID)
		if sections[c.ID] > 1 {
			t.Errorf("%s is explained %d times", c.ID, sections[c.ID])
		}
		delete(sections, c.ID)
		switch {
		case e.Why == "":
			t.Errorf("%s %s is not explained", c.ID, c.Name)
			continue
		case e.Unfit != "":
			if e.Wrong+e.Right != "" {
				t.Errorf("%s has examples, and says why it has none", c.ID)
			}
			continue
		case e.Wrong == "" || e.Right == "":
			t.Errorf("%s has not both examples", c.ID)
			continue
		}
		if all, _ := reported(t, lint.Whole(e.Wrong)); !slices.Contains(all, c.ID) {
			t.Errorf("%s does not report its wrong example, but %q:\n%s", c.ID, all, lint.Whole(e.Wrong))
		}
		all, errors := reported(t, lint.Whole(e.Right))
		if slices.Contains(all, c.ID) || len(errors) > 0 {
			t.Errorf("%s: of the right example are reported %q, %q:\n%s", c.ID, all, errors, lint.Whole(e.Right))
		}
	}
	for id := range sections {
		t.Errorf("%q is explained and is no check", id)
	}
}

func TestExplainFindsByIDAndName(t *testing.T) {
	for _, word := range []string{"VM011", "vm011", "unknown-target"} {
		if c, _, ok := known.Explain(word); !ok || c.ID != "VM011" {
			t.Errorf("%q is %v, %v", word, c, ok)
		}
	}
	if _, _, ok := known.Explain("VM999"); ok {
		t.Error("VM999 is explained")
	}
	if near, _ := known.Nearest("unknown-targt"); near != "unknown-target" {
		t.Errorf("the nearest is %q", near)
	}
}
