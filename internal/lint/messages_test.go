package lint_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

// TestMessages compares the messages about every wrong example of the catalogue,
// without the messages of other checks.
func TestMessages(t *testing.T) {
	here, err := os.Getwd() // checked changes the working folder
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, check := range known.All() {
		_, e, _ := known.Explain(check.ID)
		if e.Wrong == "" {
			continue
		}
		fmt.Fprintf(&out, "== %s %s\n", check.ID, check.Name)
		m, faults := checked(t, lint.Whole(e.Wrong))
		faults.Keep(func(f diag.Fault) bool { return f.Check == check })
		if err := (diag.Printer{Sources: m.Sources, Least: diag.Note}).Print(&out, faults); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	golden := filepath.Join(here, "testdata", "messages.txt")
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the messages changed; -update and review the difference:\n%s", out.Bytes())
	}
}
