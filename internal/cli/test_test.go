package cli

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// TestABrokenMapIsNamed changes one row of a written .db at a time. `test` names the
// address.
func TestABrokenMapIsNamed(t *testing.T) {
	file, dir := built(t, `version: 1
host: {name: mx1.example.net}
users: {anna: , bert: }
domains:
  a.example: {addresses: {one: anna, two: bert, old: {reject: Gone}}}
`)
	table := filepath.Join(dir, "virtusertable.db")
	whole, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		it      string
		replace [2]string
		says    []string
	}{
		{"swaps two targets", [2]string{"anna\x01one@a.example", "bert\x01one@a.example"}, []string{"one@a.example (listed): promised is anna, but it is bert"}},
		{"loses a row", [2]string{"two@a.example", "twx@a.example"}, []string{"two@a.example (listed): promised is bert, but it is 550 5.1.1"}},
		{"has another text", [2]string{"550 Gone", "550 Gene"}, []string{"old@a.example (listed): promised is 550 5.1.1 Gone, but it is 550 5.1.1 Gene"}},
		{"has an item of no type", [2]string{"\x01bert", "\x09bert"}, []string{"two@a.example (listed): promised is bert, but it is 451 4.3.0 map is missing or damaged"}},
	} {
		broken := bytes.Replace(whole, []byte(c.replace[0]), []byte(c.replace[1]), 1)
		if bytes.Equal(broken, whole) {
			t.Fatalf("it %s: %q is not in the file", c.it, c.replace[0])
		}
		if err := os.WriteFile(table, broken, 0o640); err != nil {
			t.Fatal(err)
		}
		code, said, _ := run("", "test", "-i", file, "--maps", dir)
		for _, line := range c.says {
			if code != exitProblems || !strings.Contains(said, line) {
				t.Errorf("it %s: ends with %d, without %q\n%s", c.it, code, line, said)
			}
		}
	}
}

// TestSendmailIsAskedToo compares the inventory, the receiver and the installed
// sendmail, for the example and for generated inventories. No user of the example is an
// account of the machine of the test.
func TestSendmailIsAskedToo(t *testing.T) {
	peer.Root(t)
	peer.Find(t, "sendmail")
	peer.Find(t, "m4")
	if name, err := exec.Command("hostname", "-f").Output(); err != nil || !strings.Contains(string(name), ".") {
		peer.Skip(t, "this machine's name has no dotted form in /etc/hosts, and sendmail would wait a minute for one")
	}
	files := []string{"../../testdata/example/mail.yaml"}
	for seed := range peer.Campaign(8) {
		file := filepath.Join(t.TempDir(), "mail.yaml")
		text := sample.Inventory(rand.New(rand.NewPCG(uint64(seed), 4)), "/etc/mail", "hash")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	compared := 0
	for i, file := range files {
		if code, _, _ := run("", "check", "-i", file); code != 0 {
			continue // its random targets make a circle
		}
		code, said, _ := run("", "test", "-i", file, "--server")
		if code != 0 {
			text, _ := os.ReadFile(file)
			t.Errorf("%d: ends with %d\n%s\n%s", i, code, said, text)
		}
		compared++
	}
	if compared < len(files)/2 {
		t.Errorf("%d of %d were compared", compared, len(files))
	}

	// A set without its .db: virtmap reads the text, and sendmail queues the mail. The
	// difference is reported.
	_, dir := built(t, receiveInventory)
	if err := os.Remove(filepath.Join(dir, "virtusertable.db")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(dir), "mail.yaml")
	want := fmt.Sprintf("fake@a.example (listed): promised is andrei, but with sendmail it is %s", "(the queue: sendmail cannot read one of the files)")
	if code, said, _ := run("", "test", "-i", file, "--maps", dir, "--sendmail"); code != exitProblems || !strings.Contains(said, want) {
		t.Errorf("without a map it ends with %d\n%s", code, said)
	}
}
