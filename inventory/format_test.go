package inventory_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

// format lays a text out, and checks that a second time changes nothing.
func format(t *testing.T, text string) string {
	t.Helper()
	once, _, faults, err := inventory.Format("mail.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if faults.Failed() {
		return text
	}
	twice, _, _, err := inventory.Format("mail.yaml", once)
	if err != nil || twice != once {
		t.Fatalf("laid out again it is another (%v):\n%s\n-- once --\n%s\n-- twice --\n%s", err, text, once, twice)
	}
	return once
}

// TestFormat lays each file of testdata/format out. The expected result is beside the
// file.
func TestFormat(t *testing.T) {
	files, err := filepath.Glob("testdata/format/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("nothing to lay out")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := format(t, string(text))
		golden := strings.TrimSuffix(file, ".yaml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, _ := os.ReadFile(golden); got != string(want) {
			t.Errorf("%s is laid out as\n%s", file, got)
		}
	}
}

// TestFormatKeepsTheExample: the example of the manual is laid out.
func TestFormatKeepsTheExample(t *testing.T) {
	text, err := os.ReadFile("../testdata/example/mail.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := format(t, string(text)); got != string(text) {
		t.Errorf("the example would become\n%s", got)
	}
}

// TestFormatMovesNothingBeforeItsAnchor has files with aliases. Their lines keep their
// order.
func TestFormatMovesNothingBeforeItsAnchor(t *testing.T) {
	text := "users:\n  andrei:\nx-all: &all [andrei]\nhost:\n    name: mx1.example.net\nversion: 1\ndomains: {a.example: {addresses: {info: *all}}}\n"
	if got, want := format(t, text), strings.Replace(text, "    name", "  name", 1); got != want {
		t.Errorf("it became\n%s", got)
	}
}

// TestFormatRefusesWhatItWouldChange has values with blank lines, which cannot be moved
// together with the lines around them.
func TestFormatRefusesWhatItWouldChange(t *testing.T) {
	text := "x-text: |+\n  kept\n\n\nversion: 1\n"
	got, _, _, err := inventory.Format("mail.yaml", text)
	if err == nil || got != text {
		t.Errorf("%v, %q", err, got)
	}
}

// TestFormatSamples lays samples out after their lines were moved, indented and
// commented.
func TestFormatSamples(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	for range 300 {
		format(t, untidy(r, sample.Inventory(r, "/etc/mail", "hash")))
	}
}

// untidy changes the layout of a text, but not its values.
func untidy(r *rand.Rand, text string) string {
	width := 1 + r.IntN(5)
	var out strings.Builder
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, " ")
		depth := (len(line) - len(rest)) / 2
		for range r.IntN(10) - 7 {
			out.WriteString("\n")
		}
		if r.IntN(5) == 0 {
			out.WriteString(strings.Repeat(" ", r.IntN(9)) + "# about " + rest)
		}
		out.WriteString(strings.Repeat(" ", depth*width) + rest)
	}
	return out.String()
}

func FuzzFormat(f *testing.F) {
	for _, pattern := range []string{"testdata/format/*.yaml", "../testdata/good/*.yaml", "../testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil && len(text) < 4000 {
				f.Add(string(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, _, _, err := inventory.Format("fuzz", text); errors.Is(err, inventory.ErrUnsafe) {
			return
		}
		format(t, text)
	})
}

// TestFormatOfDeepBlocks takes about as long as reading the blocks, because each line
// is looked at once, however deep it is.
func TestFormatOfDeepBlocks(t *testing.T) {
	const levels = 3000
	var text, want strings.Builder
	text.WriteString("x-deep:\n")
	want.WriteString("x-deep:\n")
	for i := range levels {
		text.WriteString(strings.Repeat(" ", i+1) + "a:\n")
		want.WriteString(strings.Repeat("  ", i+1) + "a:\n")
	}
	text.WriteString(strings.Repeat(" ", levels+1) + "b: 1\n# end\n")
	want.WriteString(strings.Repeat("  ", levels+1) + "b: 1\n# end\n")
	began := time.Now()
	got, _, faults, err := inventory.Format("mail.yaml", text.String())
	if err != nil || faults.Failed() || got != want.String() {
		t.Errorf("%v, %+v, %d bytes", err, faults.Faults(), len(got))
	}
	if took := time.Since(began); took > 8*time.Second { // about 0.3 s; it took 28 s when each block was scanned again for the blocks in it
		t.Errorf("took %v", took)
	}
}
