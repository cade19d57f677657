package cli

import (
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/build"
)

// TestWhatToRemove: a rollback names the configuration that still names a file.
func TestWhatToRemove(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	names := []string{"virtmap-aliases", "virtmap.mc"}
	const first, then = " still names ", "; take that out and restart sendmail before you remove the file"
	for _, c := range []struct{ it, cf, mc, want string }{
		{"removes what nothing names", "", "", "nothing reads them, and they may be removed"},
		{"removes what a sendmail.cf does not name", "O AliasFile=/etc/aliases\n", "", "nothing reads them, and they may be removed"},
		{"keeps an alias file that sendmail.cf names", "O AliasFile=" + at("virtmap-aliases") + "\n", "", at("sendmail.cf") + first + "virtmap-aliases" + then},
		{"keeps lines that sendmail.mc includes", "O AliasFile=/etc/aliases\n", "include(`" + at("virtmap.mc") + "')\n", at("sendmail.mc") + first + "virtmap.mc" + then},
		{"keeps both", "O AliasFile=" + at("virtmap-aliases") + "\n", "include(`" + at("virtmap.mc") + "')\n",
			at("sendmail.cf") + " or " + at("sendmail.mc") + first + "virtmap-aliases, virtmap.mc" + then},
	} {
		for name, text := range map[string]string{"sendmail.cf": c.cf, "sendmail.mc": c.mc} {
			if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := whatToRemove(&build.Restoring{Folders: build.Folders{Out: dir}, Server: defaultServer}, names); got != c.want {
			t.Errorf("it %s: got %q, want %q", c.it, got, c.want)
		}
	}
}
