package docs

import (
	"os"
	"strings"
	"testing"
)

// TestManual: every page is there, begins with its title, and the README says the same
// about it.
func TestManual(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Manual {
		if !strings.HasPrefix(p.Text(), "# ") {
			t.Errorf("%s does not begin with its title", p.Name)
		}
		if line := "[" + p.Name + ".md](docs/" + p.Name + ".md) | " + p.About + " |"; !strings.Contains(string(readme), line) {
			t.Errorf("the README does not have: %s", line)
		}
		if found, ok := Find("virtmap-" + p.Name); !ok || found != p {
			t.Errorf("virtmap-%s is not found", p.Name)
		}
	}
	if _, ok := Find("virtmap-performance"); ok {
		t.Error("a page is found that is not for the manual")
	}
}

func TestSee(t *testing.T) {
	for link, want := range map[string]string{
		"mx.md": "virtmap-mx(7)", "docs/guards.md#what-protects-the-server": "virtmap-guards(7)", "../README.md": "virtmap(1)", "inventory.md": "virtmap-inventory(5)",
		"architecture.md": "", "../contrib": "", "https://example.net/mx": "", "#anchor": "", "": "",
	} {
		if got := See(link); got != want {
			t.Errorf("%q is %q, want %q", link, got, want)
		}
	}
}
