package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

var update = flag.Bool("update", os.Getenv("VIRTMAP_UPDATE") != "", "rewrite the goldens")

// wrong is an inventory with an error, a duplicate with a second place, a warning,
// and texts that a format must escape.
const wrong = `version: 1
host: {name: mx1.example.net}
users: {jane: , bea: }
domains:
  a.example:
    addresses:
      info: jnae
      Info: bea
      odd: "100%, <b>&\u0101"
      far: x@b.example
  b.example: {enabled: false}
`

func located(t *testing.T, name, text string) []diag.Located {
	t.Helper()
	m, faults := inventory.Parse(name, text)
	return diag.Printer{Sources: m.Sources, Least: diag.Note}.Located(faults)
}

func TestFindings(t *testing.T) {
	all := located(t, "mail dir/ma%il,1:2.yaml", wrong)
	if len(all) != 4 {
		t.Fatalf("%d faults: %+v", len(all), all)
	}
	for name, print := range Findings {
		var got, again bytes.Buffer
		if err := errors.Join(print(&got, all, "1.0"), print(&again, all, "1.0")); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), again.Bytes()) {
			t.Errorf("%s differs from run to run", name)
		}
		wellFormed(t, name, got.Bytes())
		path := filepath.Join("testdata", "faults."+name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is\n%s\nand was\n%s", name, got.String(), want)
		}
	}
}

// wellFormed parses the output of a format.
func wellFormed(t *testing.T, name string, text []byte) {
	t.Helper()
	switch name {
	case "json", "gitlab", "sarif":
		if !json.Valid(text) {
			t.Errorf("%s is no JSON", name)
		}
	case "junit", "checkstyle":
		for decoder := xml.NewDecoder(bytes.NewReader(text)); ; {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v", name, err)
			}
		}
	case "github":
		for line := range strings.Lines(string(text)) {
			if strings.Count(line, "::") != 2 || !strings.HasPrefix(line, "::") {
				t.Errorf("%s: %q is no command", name, line)
			}
		}
	}
}

func TestNoFindings(t *testing.T) {
	for name, print := range Findings {
		var got bytes.Buffer
		if err := print(&got, nil, "1.0"); err != nil {
			t.Fatal(err)
		}
		wellFormed(t, name, got.Bytes())
		if strings.Contains(got.String(), "null") {
			t.Errorf("%s of nothing is %s", name, got.String())
		}
	}
}

func TestFingerprintsMoveWithTheFault(t *testing.T) {
	prints := func(text string) (all []string) {
		seen := fingerprints{}
		for _, f := range located(t, "mail.yaml", text) {
			all = append(all, seen.of(&f))
		}
		return all
	}
	here, moved := prints(wrong), prints(strings.Replace(wrong, "users:", "# moved\nusers:", 1))
	if strings.Join(here, " ") != strings.Join(moved, " ") {
		t.Errorf("the fingerprints are %q and %q one line below", here, moved)
	}
	twice := prints("version: 1\nhost: {name: mx1.example.net}\nusers: {jane: }\nlocal_aliases: [x y, x y]\n")
	if len(twice) != 2 || twice[0] == twice[1] {
		t.Errorf("two faults alike have the fingerprints %q", twice)
	}
}
