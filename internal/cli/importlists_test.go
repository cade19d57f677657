package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// secret matches what is left of a hash of a password.
var secret = regexp.MustCompile(`\$(1|2y|6)\$|salt`)

// TestHandMadeLists imports each list of testdata/lists: the inventory and what is said
// about it stand behind its files. What is written has no faults and is laid out as fmt has
// it. Without an inventory there is only what is said.
func TestHandMadeLists(t *testing.T) {
	archives(t, "../../testdata/lists", 15, func(t *testing.T, file string, archive *txtar.Archive, accounts string) {
		args, err := os.ReadFile("arguments")
		if err != nil {
			t.Fatal(err)
		}
		code, yaml, said := run("", append([]string{"import", "--host", "mx1.example.net", "--accounts", accounts}, strings.Fields(string(args))...)...)
		compare(t, file, archive, map[string]string{"want.yaml": yaml, "want.txt": said})
		if secret.MatchString(yaml + said) {
			t.Errorf("a secret is copied:\n%s%s", yaml, said)
		}
		if code == exitProblems && yaml == "" {
			return
		}
		if code != 0 && code != exitHeld {
			t.Fatalf("import ends with %d: %s", code, said)
		}
		if err := os.WriteFile("mail.yaml", []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, command := range [][]string{{"check", "-q"}, {"fmt", "--check", "mail.yaml"}} {
			if code, out, said := run("", command...); code != 0 {
				t.Errorf("%q ends with %d: %s%s", command, code, out, said)
			}
		}
		explained(t, said)
	})
}
