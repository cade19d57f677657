package inventory_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// bothWays reads a text with and without leaving plain blocks out. It fails the test if
// the models or the faults differ. It reports whether the text had plain blocks.
func bothWays(t *testing.T, text string) bool {
	t.Helper()
	quick, quickFaults, plain := inventory.ParsePlainly(text)
	whole, wholeFaults := inventory.ParseOrdinarily(text)
	if got, want := printed(t, quick, quickFaults), printed(t, whole, wholeFaults); got != want {
		t.Fatalf("the faults are\n%s\nand the ordinary way\n%s\nof\n%s", got, want, text)
	}
	a, b := *quick, *whole
	a.Sources, b.Sources = nil, nil
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("the model is\n%+v\nand the ordinary way\n%+v\nof\n%s", a, b, text)
	}
	return plain
}

func printed(t *testing.T, m *inventory.Model, faults *diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := (diag.Printer{Sources: m.Sources, Least: diag.Note}).Print(&out, faults); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const plainInventory = `version: 1
host: {name: mx1.example.net}
users: {andrei: , bea: }
domains:
  a.example:
    addresses:
      fake: andrei
      info: [andrei, bea]
      Far: Ann@Partner.example
      a+b: bea

      never: nobody
  b.example:
    note: text
    addresses:
      one: bea
      one: andrei
      two: "bea"
  c.example:
      addresses:
         x: andrei
         y: 2001
         z: no
      roles: {postmaster: bea}
tests: {fake@a.example: andrei}
`

func TestPlainLinesAreReadAsYAMLIs(t *testing.T) {
	if !bothWays(t, plainInventory) {
		t.Error("no block is plain")
	}
	for _, odd := range []string{
		"domains: {a.example: {\n    addresses:\n      x: andrei\n    }}\n",
		"domains:\n  a.example:\n    addresses:\n      x: andrei\n---\n'",
		"domains:\n  a.example:\n    addresses:\n      " + strings.Repeat("x", 1100) + ": andrei\n",
		"domains:\n  a.example: &a\n    addresses:\n      x: andrei\n  b.example: *a\n",
		"domains:\n  a.example:\n    role: backup\n    addresses:\n      x: andrei\n",
		"domains:\n  a.example:\n    note: |\n      text\n\n      addresses:\n        x: andrei\n",
		"domains:\n  a.example:\n    addresses:\n      x: andrei\n\n\n      y: andrei\n",
		"domains:\n  a.example:\n    addresses:\n      x: andrei\n     y: andrei\n",
		"domains:\n  a.example:\n    addresses:\n    x: andrei\n",
		"domains:\n  a.example:\n    addresses:\n      x: andrei\n    addresses:\n      x: bea\n",
		"domains:\n  a.example:\n    \"addresses\":\n      x: andrei\n",
		"? domains\n: a.example:\n    addresses:\n      x: andrei\n",
	} {
		bothWays(t, "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: , bea: }\n"+odd)
	}
	for _, pattern := range []string{"good/*.yaml", "bad/*.yaml", "example/*.yaml"} {
		files, _ := filepath.Glob("../testdata/" + pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			bothWays(t, string(text))
		}
	}
	var large strings.Builder
	if err := sample.Large(&large, 3000); err != nil {
		t.Fatal(err)
	}
	if !bothWays(t, large.String()) {
		t.Error("a large inventory is not plain")
	}
	plain := 0
	total := peer.Campaign(1500)
	for seed := range total {
		r := rand.New(rand.NewPCG(uint64(seed), 30))
		text := plainInventory
		if seed%2 == 0 {
			text = sample.Inventory(r, "/etc/mail", "hash")
		}
		for range r.IntN(4) {
			text = mutated(r, text)
		}
		if bothWays(t, text) {
			plain++
		}
	}
	if plain < total/10 {
		t.Errorf("only %d of %d texts had plain blocks", plain, total)
	}
}

// mutated makes an edit such as a person makes by mistake.
func mutated(r *rand.Rand, text string) string {
	lines := strings.SplitAfter(text, "\n")
	i := r.IntN(len(lines))
	switch line := lines[i]; r.IntN(9) {
	case 0:
		lines[i] = " " + line
	case 1:
		lines[i] = strings.TrimPrefix(line, " ")
	case 2:
		lines[i] = line + line
	case 3:
		lines[i] = "\n" + line
	case 4:
		lines[i] = "# " + line
	case 5:
		if at := strings.IndexByte(line, '\n'); at >= 0 {
			lines[i] = line[:at] + []string{" # why", " ", " |", ":", "'", " &a", " *a"}[r.IntN(7)] + line[at:]
		}
	case 6:
		lines[i] = ""
	case 7:
		j := r.IntN(len(lines))
		lines[i], lines[j] = lines[j], line
	case 8:
		at := r.IntN(len(line) + 1)
		lines[i] = line[:at] + string("\"'[]{},:-?|>&*!%@ #\t"[r.IntN(20)]) + line[at:]
	}
	return strings.Join(lines, "")
}

// FuzzPlainLines searches for a text that the two ways read differently.
func FuzzPlainLines(f *testing.F) {
	f.Add(plainInventory)
	f.Add("domains:\n  a.example:\n    addresses:\n      a: b\n    role: backup\n")
	f.Add("x: |\n  domains:\n    addresses:\n      a: b\n")
	f.Fuzz(func(t *testing.T, text string) { bothWays(t, text) })
}
