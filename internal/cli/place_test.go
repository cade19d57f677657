package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/inventory"
)

// TestOnHost writes into the mail folder of this machine only.
func TestOnHost(t *testing.T) {
	names, err := namesOfThisHost()
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(names[0], ".")
	for _, c := range []struct{ it, cf, name, want string }{
		{"takes a name of the machine", "", names[0], ""},
		{"takes a name that begins with the machine's", "", first + ".elsewhere.example", ""},
		{"takes the name that sendmail.cf has", "Djmx1.example.net\n", "mx1.example.net", ""},
		{"refuses another name", "", "mx2.example.net", `write "host: {name: ` + names[0] + `}" into the inventory`},
		{"says the name that sendmail.cf has", "Djmx1.example.net\n", "mx2.example.net", `calls "mx1.example.net", and the inventory is for "mx2.example.net", so that nothing was written. ` +
			`If it is that server, write "host: {name: mx1.example.net}" into the inventory, or put mx2.example.net beside ` + names[0]},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), []byte(c.cf), 0o644); err != nil {
			t.Fatal(err)
		}
		err := onHost(&inventory.Host{Name: inventory.Name{Text: c.name}, MailDir: inventory.Name{Text: dir}})
		if c.want == "" && err != nil || c.want != "" && (exitCode(err) != exitRefused || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("it %s: %v", c.it, err)
		}
	}
}
