package fileset_test

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"virtmap/internal/fileset"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/peer"
	"virtmap/inventory"
)

const mail = `version: 1
host: {name: mx1.example.net}
users: {andrei: , bea: }
domains:
  a.example: {addresses: {fake: andrei, all: [andrei, bea]}}
  backup.example: {role: backup}
`

func source(t *testing.T, text string) sendmail.Build {
	t.Helper()
	m, faults := inventory.Parse("mail.yaml", text)
	s := sendmail.Compile(m, faults)
	if faults.Failed() {
		t.Fatal(faults.Faults())
	}
	return s
}

func build(dir string, s sendmail.Build, owner int) (publish.Report, error) {
	outputs, err := fileset.Outputs(sendmail.Server, s, dir, owner)
	if err != nil {
		return publish.Report{}, err
	}
	return publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".virtmap"), FS: publish.OS})
}

func mustBuild(t *testing.T, dir, text string) []string {
	t.Helper()
	report, err := build(dir, source(t, text), -1)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range report.Changes {
		names = append(names, filepath.Base(c.Path))
	}
	return names
}

// TestOrder checks the order in which files appear: aliases before the rows that lead
// to them, texts before maps, tables before names, and the .mc last.
func TestOrder(t *testing.T) {
	want := []string{"virtmap-aliases", "virtmap-aliases.db", "virtusertable", "virtusertable.db", "virtmap-relay-domains", "local-host-names", "virtmap.mc"}
	if got := mustBuild(t, t.TempDir(), mail); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestRelayDomainsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	primary := strings.Replace(mail, "{role: backup}", "{addresses: {fake: andrei}}", 1)
	if got := mustBuild(t, dir, primary); slices.Contains(got, "virtmap-relay-domains") {
		t.Errorf("without backup domains: %q", got)
	}
	mustBuild(t, dir, mail)
	mustBuild(t, dir, primary)
	text, err := os.ReadFile(filepath.Join(dir, "virtmap-relay-domains"))
	if err != nil || strings.Contains(string(text), "backup.example") {
		t.Errorf("a backup domain that left is still relayed: %q, %v", text, err)
	}
}

// TestHeldBackupDomain: while the only backup domain is held back, the lines for
// relaying and their file are written too. When the domain is served, sendmail.cf stays
// as it is.
func TestHeldBackupDomain(t *testing.T) {
	dir := t.TempDir()
	s := source(t, mail)
	i, _ := s.Model.Domain("backup.example")
	s.Model.Domains[i].Held = true
	if _, err := build(dir, s, -1); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "virtmap-relay-domains"))
	if err != nil || strings.Contains(string(text), "backup.example") {
		t.Errorf("held back: %q, %v", text, err)
	}
	if got := mustBuild(t, dir, mail); !slices.Equal(got, []string{"virtmap-relay-domains"}) {
		t.Errorf("when it comes in: %q", got)
	}
}

// TestSystemRebuildsMaps: the system itself may run makemap and newaliases, with other
// bytes, owners and modes. The rows are the same, so that nothing is written.
func TestSystemRebuildsMaps(t *testing.T) {
	dir := peer.SafeDir(t)
	mustBuild(t, dir, mail)
	rebuild(t, dir)
	if got := mustBuild(t, dir, mail); len(got) != 0 {
		t.Errorf("rebuilt maps are written again: %q", got)
	}
	rebuild(t, dir)
	edited := strings.Replace(mail, "fake: andrei", "fake: bea, extra: [bea, andrei]", 1)
	if got := mustBuild(t, dir, edited); len(got) != 4 {
		t.Errorf("an edit over rebuilt maps: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "virtusertable"), []byte("fake@a.example\tcarol\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	rebuild(t, dir)
	_, err := build(dir, source(t, edited), -1)
	var foreign *publish.Foreign
	if !errors.As(err, &foreign) || len(foreign.Files) != 2 || foreign.Files[1].Lost[0] != "fake@a.example -> carol" {
		t.Errorf("a map rebuilt of a text edited by hand: %v", err)
	}
}

func rebuild(t *testing.T, dir string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "virtusertable"))
	if err != nil {
		t.Fatal(err)
	}
	peer.Run(t, string(text), "makemap", "hash", filepath.Join(dir, "virtusertable"))
	cf := filepath.Join(dir, "test.cf")
	peer.Run(t, "", "cp", "/etc/mail/sendmail.cf", cf)
	if out, errOut, err := peer.Try("", peer.Find(t, "newaliases"), "-C", cf, "-OAliasFile="+filepath.Join(dir, "virtmap-aliases")); err != nil {
		t.Fatalf("newaliases: %v\n%s%s", err, out, errOut)
	}
}

// TestFirstMapIsAsMakemapMakesIt compares owner, group and mode.
func TestFirstMapIsAsMakemapMakesIt(t *testing.T) {
	dir := peer.SafeDir(t)
	peer.Run(t, "a@a.example x\n", "makemap", "hash", filepath.Join(dir, "theirs"))
	cf, err := os.ReadFile("/etc/mail/sendmail.cf")
	if err != nil {
		peer.Skip(t, "no /etc/mail/sendmail.cf")
	}
	if err := os.WriteFile(filepath.Join(dir, "sendmail.cf"), cf, 0o644); err != nil {
		t.Fatal(err)
	}
	site, err := sendmail.Server.Site(dir)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := user.Lookup(site.Owner)
	if err != nil {
		t.Fatal(err)
	}
	owner, err := strconv.Atoi(trusted.Uid)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := build(dir, source(t, mail), owner); err != nil {
		t.Fatal(err)
	}
	want := status(t, filepath.Join(dir, "theirs.db"))
	for _, name := range []string{"virtusertable.db", "virtmap-aliases.db"} {
		if got := status(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s has mode, owner, group %v, makemap's %v", name, got, want)
		}
	}
}

func status(t *testing.T, path string) [3]uint32 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	return [3]uint32{uint32(info.Mode().Perm()), stat.Uid, stat.Gid}
}
