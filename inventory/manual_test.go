package inventory

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestManual checks that the package comment has every key of the tables.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range Sections() {
		for _, key := range section.Keys {
			if !regexp.MustCompile(`\b` + key.Name + `\b`).Match(text) {
				t.Errorf("the manual does not mention %s of %s", key.Name, section.Name)
			}
			if !strings.HasSuffix(key.Doc, ".") || key.Kind == "" || key.Example == "" {
				t.Errorf("%s of %s has no sentence, kind or example: %+v", key.Name, section.Name, key)
			}
		}
	}
}
