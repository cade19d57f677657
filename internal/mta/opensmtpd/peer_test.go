package opensmtpd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/mtatest"
	"virtmap/internal/mta/opensmtpd"
	"virtmap/internal/mta/opensmtpd/program"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
	"virtmap/inventory"
)

// compiled compiles an inventory.
func compiled(text string) (opensmtpd.Build, *diag.List) {
	m, faults := inventory.Parse("mail.yaml", text)
	if faults.Failed() {
		return opensmtpd.Build{}, faults
	}
	return opensmtpd.Compile(m, faults), faults
}

// start starts a real OpenSMTPD over the files of a folder, in which a build is.
func start(t testing.TB, dir string, b opensmtpd.Build) *program.Server {
	t.Helper()
	o := opensmtpd.Question(b)
	o.Root, o.Folder, o.Tables = peer.OpenSMTPDRoot(t), filepath.Join(dir, "smtpd"), dir
	var aliases strings.Builder
	aliases.WriteString("root: virtmap-root\n") // smtpd delivers nothing as root
	for name, to := range sample.LocalAliases {
		fmt.Fprintf(&aliases, "%s: %s\n", name, to)
	}
	o.Aliases, o.Accounts = aliases.String(), append(slices.Clone(sample.Accounts), "virtmap-root")
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := program.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// realOpenSMTPD is OpenSMTPD, for tests over generated inventories.
var realOpenSMTPD = mtatest.Program{
	Server: opensmtpd.Server, Name: "OpenSMTPD", Sayable: sample.Plain,
	Start: func(t testing.TB, dir string, b mta.Build) mtatest.Asked { return start(t, dir, b.(opensmtpd.Build)) },
}

// TestAgainstOpenSMTPD asks a real OpenSMTPD about the addresses of generated inventories.
func TestAgainstOpenSMTPD(t *testing.T) {
	peer.OpenSMTPDRoot(t)
	realOpenSMTPD.Run(t, peer.Campaign(12), func() string { return peer.SafeDir(t) })
}
