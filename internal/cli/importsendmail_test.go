package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"virtmap/internal/mta/sendmail/program"
	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// handMade writes an /etc/mail whose virtusertable has every oddity that people
// write, in n pairs of domains, with the map that makemap makes of it.
func handMade(t *testing.T, dir string, seed uint64, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 88))
	var table, names strings.Builder
	for i := range n {
		one := sample.NewTable(r, i, 0)
		for _, row := range one.Rows {
			fmt.Fprintf(&table, "%s\t%s\n", row[0], row[1])
		}
		names.WriteString(strings.Join(one.Domains, "\n") + "\n")
	}
	aliases := "staff: root, bin\n"
	for name, to := range sample.LocalAliases {
		aliases += name + ": " + to + "\n"
	}
	for name, text := range map[string]string{
		"virtusertable": table.String(), "local-host-names": names.String(), "aliases": aliases,
		"sendmail.cf": "Dj" + sample.HostName + "\nKvirtuser hash -o /etc/mail/virtusertable\nFw/etc/mail/local-host-names\nO AliasFile=/etc/mail/aliases\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.Open(filepath.Join(dir, "virtusertable"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	cmd := exec.Command(peer.Find(t, "makemap"), "hash", filepath.Join(dir, "virtusertable"))
	cmd.Stdin = text
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("makemap: %v: %s", err, out)
	}
}

// differing is a line of the proof that names an address.
var differing = regexp.MustCompile(`(?m)^(\S+): .* -> .*$`)

// realSendmail skips where there is none.
func realSendmail(t *testing.T) {
	t.Helper()
	peer.Root(t)
	peer.Find(t, "m4")
	if _, err := program.Find(); err != nil {
		peer.Skip(t, "%v", err)
	}
}

// agrees imports a server with --server: sendmail differs where the proof
// says so, and nowhere else.
func agrees(t *testing.T, args ...string) {
	t.Helper()
	code, _, said := run("", append([]string{"import", "--sendmail"}, args...)...)
	if code != 0 && code != exitHeld {
		t.Fatalf("import ends with %d: %s", code, said)
	}
	router, real, ok := strings.Cut(said, " differ\n")
	if !ok || !strings.Contains(real, "compared by sendmail, ") {
		t.Fatalf("sendmail was not asked: %s", said)
	}
	known := map[string]bool{}
	for _, m := range differing.FindAllStringSubmatch(router, -1) {
		known[m[1]] = true
	}
	found := 0
	for _, m := range differing.FindAllStringSubmatch(real, -1) {
		if strings.Count(m[0], "excessive recursion") == 2 {
			continue // sendmail adds the ruleset it was in
		}
		if found++; !known[m[1]] {
			t.Errorf("the proof knows nothing of %s", m[0])
		}
	}
	if found < len(known) {
		t.Errorf("the proof named %d addresses, sendmail %d", len(known), found)
	}
	t.Logf("%d differ", found)
}

// TestSendmailAgreesWithTheProof imports tables with every oddity, and has the
// real sendmail answer over the old files and over those that the inventory
// builds.
func TestSendmailAgreesWithTheProof(t *testing.T) {
	realSendmail(t)
	for seed := range peer.Campaign(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir := t.TempDir()
			handMade(t, dir, uint64(seed), 40)
			agrees(t, dir)
		})
	}
}

// TestSendmailAgreesOnThisServer imports what the sendmail package installed.
func TestSendmailAgreesOnThisServer(t *testing.T) {
	realSendmail(t)
	agrees(t, "/etc/mail")
}
