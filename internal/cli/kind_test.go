package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// besideAnother adds a server to the table. It has one file of its own, and one whose
// name the default server uses too.
func besideAnother(t *testing.T) *mta.Server {
	was := servers.All
	t.Cleanup(func() { servers.All = was })
	other := &mta.Server{Name: "another", Dir: t.TempDir(), Files: []mta.File{{Name: "another-addresses", Role: mta.Addresses}, {Name: was[0].Files[0].Name}}}
	servers.All = append(slices.Clone(was), other)
	return other
}

// TestKindOf: a command without an inventory finds out which server the files are of.
func TestKindOf(t *testing.T) {
	other := besideAnother(t)
	inventory := "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains: {a.example: {addresses: {info: andrei}}}\n"
	ours, theirs, both, empty := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	if code, _, said := run(inventory, "build", "-i", "-", "-o", ours, "--mx", "off"); code != exitOK {
		t.Fatal(said)
	}
	for dir, files := range map[string][]string{theirs: {other.Files[0].Name, other.Files[1].Name}, both: {other.Files[0].Name, "virtusertable", "local-host-names"}} {
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(ours, other.Files[0].Name), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ it, name, dir, state, want string }{
		{"takes the server that the flag names", "another", ours, filepath.Join(ours, ".virtmap"), "another"},
		{"takes the server of the last build", "", theirs, filepath.Join(ours, ".virtmap"), "sendmail"},
		{"takes the server whose files are there", "", theirs, filepath.Join(theirs, ".virtmap"), "another"},
		{"takes the server with more files", "", both, filepath.Join(both, ".virtmap"), "sendmail"},
		{"takes the default without any file", "", empty, filepath.Join(empty, ".virtmap"), "sendmail"},
	} {
		got, err := kindOf(c.name, c.dir, c.state)
		if err != nil || got.Name != c.want {
			t.Errorf("it %s: got %v, %v", c.it, got, err)
		}
	}
	if code, _, said := run("", "history", "--kind", "anotter"); code != exitUsage || !strings.Contains(said, `--kind "anotter": it is `+diag.Choice(kindNames()...)) {
		t.Errorf("exit %d: %s", code, said)
	}
	if code, out, _ := run("", "history", "-o", ours, "--format", "json"); code != exitOK || !strings.Contains(out, `"server":"sendmail"`) {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestInitForAnotherServer: the inventory names its server, and only then.
func TestInitForAnotherServer(t *testing.T) {
	other := besideAnother(t)
	other.Maps, other.Words.Own = []string{"cdb", "lmdb"}, "$its_name"
	other.Compile = func(m *inventory.Model, faults *diag.List) mta.Build {
		senders.Refuse(m, "", "it has no logins", faults)
		return nil
	}
	a := initArgs{host: "mx1.example.net", user: "andrei"}
	for server, want := range map[*mta.Server]string{
		other:          "  name: mx1.example.net                   # what another calls itself ($its_name)\n  server: another\n  # mx_names: [mx1.example.net]           #",
		servers.All[0]: "  name: mx1.example.net                   # what sendmail calls itself ($j)\n  # mx_names: [mx1.example.net]           #",
	} {
		if text := a.text(server); !strings.Contains(text, want) {
			t.Errorf("%s: got\n%s", server.Name, text)
		}
	}
	if text := a.text(other); !strings.Contains(text, "  # map: cdb                   # or lmdb\n") {
		t.Errorf("got\n%s", text)
	}
	if text := a.text(other); !strings.Contains(text, "\n# submission: {rewrite: msp}  # the sendmail command writes sends_as of its user\n") {
		t.Errorf("it offers what the server cannot do:\n%s", text)
	}
}
