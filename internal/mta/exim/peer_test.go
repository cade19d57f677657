package exim_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/exim"
	"virtmap/internal/mta/exim/program"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// compiled compiles an inventory.
func compiled(text string) (exim.Build, *diag.List) {
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return exim.Build{}, faults
	}
	return exim.Compile(m, faults), faults
}

// startExim returns the real Exim over the files of a folder, in which a build is.
func startExim(t testing.TB, dir string, b exim.Build) *program.Exim {
	t.Helper()
	var aliases strings.Builder
	aliases.WriteString("root: daemon\n") // otherwise exim -bt does not show the detail of root
	for name, to := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, to)
	}
	o := exim.Question(b)
	o.Root, o.Folder, o.Tables, o.Aliases = program.Unpacked(peer.EximRoot(t)), filepath.Join(dir, "exim"), dir, aliases.String()
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := program.New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// realExim is Exim, for tests over generated inventories.
var realExim = mtatest.Program{
	Server: exim.Server, Name: "Exim",
	Start: func(t testing.TB, dir string, b mta.Build) mtatest.Asked { return startExim(t, dir, b.(exim.Build)) },
	Apart: func(m *inventory.Model, addr string) bool { // Debian always takes it
		local, domain, _ := mailaddr.Split(addr)
		return local == "postmaster" && m.IsHostName(m.Meant(domain))
	},
}

// TestAgainstExim asks a real Exim about the addresses of generated inventories.
func TestAgainstExim(t *testing.T) {
	peer.EximRoot(t)
	realExim.Run(t, peer.Campaign(12), func() string { return peer.SafeDir(t) })
}
