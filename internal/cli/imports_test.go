package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed are the rooms that a room may import; beside these only the
// standard library and, where named, one dependency.
var allowed = map[string][]string{}

// everywhere are rooms that stand for what the standard library has not.
var everywhere = []string{"virtmap/internal/mmap", "virtmap/internal/parallel", "virtmap/internal/regular"}

// TestImportsPointOneWay holds the rooms to the directions they were given.
func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "virtmap/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		rooms, known := allowed[fields[0]]
		if !known {
			t.Errorf("%s is a room without rules: add it here", fields[0])
		}
		for _, path := range fields[1:] {
			ours := strings.HasPrefix(path, "virtmap/")
			dependency := strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
			if (ours || dependency) && !slices.Contains(rooms, path) && !slices.Contains(everywhere, path) {
				t.Errorf("%s must not import %s", fields[0], path)
			}
		}
	}
}
