package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestComplaints opens a page that does everything that a page must not do.
func TestComplaints(t *testing.T) {
	b := Start(t)
	path := filepath.Join(t.TempDir(), "page.html")
	const page = `<title>a page</title><button></button><button>named</button><input aria-label="also"><img src="http://127.0.0.1:1/x.png" alt="x"><script>throw new Error("thrown")</script>`
	if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Open("file://"+path, Look{Width: 380, Theme: "dark"})
	b.Wait(`document.readyState === "complete" && document.title === "a page"`)
	all := strings.Join(b.Complaints("file://"+path), "\n")
	for _, want := range []string{"asks for http://127.0.0.1:1/x.png", "thrown", "Log.entryAdded"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not among\n%s", want, all)
		}
	}
	if got := b.Nameless(); len(got) != 1 || !strings.HasPrefix(got[0], "button ") {
		t.Errorf("without a name are %q", got)
	}
	if got := b.Eval(`innerWidth + " " + matchMedia("(prefers-color-scheme: dark)").matches`); got != "980 true" && got != "380 true" {
		t.Errorf("the page is seen with %s", got)
	}
	if png := b.Picture(true); !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("a picture begins with %q", png[:8])
	}
	b.Open("about:blank", Look{Width: 1400, Theme: "light"})
	if got := b.Complaints("about:"); len(got) > 1 || len(got) == 1 && !strings.HasPrefix(got[0], "no request") {
		t.Errorf("of an empty page: %q", got)
	}
}
