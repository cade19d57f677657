package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMissingUserIsToldTenTimes removes a user from an inventory. Each of its files
// names the user.
func TestMissingUserIsToldTenTimes(t *testing.T) {
	const files, addresses = 40, 500
	dir := t.TempDir()
	path := filepath.Join(dir, "mail.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nhost: {name: mx1.example.net}\nusers: {bea: }\ninclude: [d/*.yaml]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range files {
		text := fmt.Sprintf("domains:\n  d%d.net:\n    addresses:\n", i)
		for j := range addresses {
			text += fmt.Sprintf("      a%d: andrei\n", j)
		}
		if err := os.WriteFile(filepath.Join(dir, "d", fmt.Sprintf("%d.yaml", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const end = "and 19990 more of VM011 (unknown-target), not shown: target \"andrei\"\n20000 errors\n"
	for _, command := range []string{"check", "build -o " + dir + "/out --mx off"} {
		code, _, errOut := run("", append(strings.Fields(command), "-i", path)...)
		if code != exitProblems || strings.Count(errOut, "error[") != shownOfCrowd || !strings.HasSuffix(errOut, end) {
			t.Errorf("virtmap %s exits with %d\n%s", command, code, last(errOut, 1000))
		}
	}
	code, out, _ := run("", "check", "-i", path, "--format", "github")
	if lines := strings.Count(out, "::error "); code != exitProblems || lines != shownOfCrowd+1 || !strings.Contains(out, "\n::error title=VM011 unknown-target::and 19990 more of VM011") {
		t.Errorf("%d annotations, %d\n%s", lines, code, last(out, 1000))
	}
	if _, out, _ := run("", "check", "-i", path, "--format", "json"); strings.Count(out, `"VM011"`) != 10_000 {
		t.Errorf("%d faults in JSON", strings.Count(out, `"VM011"`))
	}
	if _, _, errOut := run("", "check", "-i", path, "--max-faults", "50"); strings.Count(errOut, "error[") != 50 {
		t.Errorf("--max-faults 50 shows %d", strings.Count(errOut, "error["))
	}
}

// last returns the end of a text.
func last(text string, size int) string { return text[max(0, len(text)-size):] }
