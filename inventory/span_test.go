package inventory_test

import (
	"slices"
	"strings"
	"testing"

	"virtmap/inventory"
)

// TestSpans looks for the domain of each place that is marked with its name in a
// comment or a target.
func TestSpans(t *testing.T) {
	for name, text := range map[string]string{
		"a block": `version: 1
host: {name: mx1.example.net}
users: {none1: , at-a: , at-b: }
domains:
  a.example:
    addresses:
      fake: at-a

    # at-a
# at-a
    catch_all: at-a
  b.example:
    addresses: {fake: at-b,
      info: at-b}
defaults:
  catch_all: none1
`,
		"braces": `version: 1
host: {name: mx1.example.net}
domains: {a.example: {catch_all: at-a},
  b.example: {catch_all: at-b, addresses: {fake: at-b}}}
users: {none1: , at-a: , at-b: }
`,
		"JSON": `{
  "version": 1, "host": {"name": "mx1.example.net"},
  "domains": {
    "b.example": {
      "catch_all": "at-b"
    },
    "a.example": {"addresses": {"fake": "at-a"}
    }
  },
  "users": {"none1": {}, "at-a": {}, "at-b": {}}
}
`,
	} {
		m, faults := inventory.Parse("mail.yaml", text)
		if faults.Failed() {
			t.Fatal(name, faults.Faults())
		}
		spans := m.Spans()
		for d := range m.Domains {
			if at, ok := spans.Domain(m.Domains[d].Pos); !ok || at != d {
				t.Errorf("%s: the key of %s is in domain %d", name, m.Domains[d].Name, at)
			}
		}
		users := strings.Index(text, "users")
		source := slices.Collect(m.Sources.Each())[0]
		for i := range text {
			word := text[i:min(i+4, len(text))]
			declared := i > users && !strings.Contains(text[users:i], "\n")
			if declared || word != "at-a" && word != "at-b" && word != "none" {
				continue
			}
			at, ok := spans.Domain(source.Pos(i))
			if want, in := map[string]int{"at-a": 0, "at-b": 1}[word]; ok != in || ok && at != want {
				t.Errorf("%s: %s at byte %d is in domain %d (%t)", name, word, i, at, ok)
			}
		}
	}
}
