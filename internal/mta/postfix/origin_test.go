package postfix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/mta"
)

// TestTheFileOfMyorigin reads folders whose main.cf names a file in myorigin, as Debian's
// does.
func TestTheFileOfMyorigin(t *testing.T) {
	for _, c := range []struct{ it, own, file, want string }{
		{"has the first line of the file", "virtual_alias_maps = hash:{d}/virtual\n", "mail.example.net \nmore\n", "mail.example.net"},
		{"keeps the path without the file", "virtual_alias_maps = hash:{d}/virtual\n", "", "{d}/mailname"},
		{"has the built-in value in a copy without the file", "virtual_alias_maps = hash:/etc/postfix/virtual\n", "", "mx1.example.net"},
	} {
		dir := t.TempDir()
		in := func(text string) string { return strings.ReplaceAll(text, "{d}", dir) }
		own := in("myhostname = mx1.example.net\nmyorigin = {d}/mailname\n" + c.own)
		if err := os.WriteFile(filepath.Join(dir, "main.cf"), []byte(own), 0o644); err != nil {
			t.Fatal(err)
		}
		if c.file != "" {
			if err := os.WriteFile(filepath.Join(dir, "mailname"), []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		l, err := readLayout(mta.Place{Dir: dir})
		if got, want := l.config.Param("myorigin"), in(c.want); err != nil || got != want {
			t.Errorf("myorigin %s: got %q (%v), want %q", c.it, got, err, want)
		}
	}
}
