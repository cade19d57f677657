package postfix_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix"
	"virtmap/internal/workshop/sample"
)

// secondText is an inventory with one address or two.
func secondText(typ, more string) string {
	return "version: 1\nhost: {name: " + sample.HostName + ", server: postfix, map: " + typ + ", local_names: [localhost]}\n" +
		"defaults: {roles: {postmaster: bin, abuse: bin}}\nusers: {bin: , sys: }\ndomains: {a.example: {addresses: {info: bin" + more + "}}}\n"
}

// TestASecondNameHidesANewLMDBFile gives a map a second name, as a backup does, and
// replaces the map. A running Postfix compares the time of a hash or cdb file that it has
// open, which a build changes. Of an lmdb file it only counts the names. A check says so.
func TestASecondNameHidesANewLMDBFile(t *testing.T) {
	w := startWitness(t)
	for _, c := range []struct {
		typ, suffix string
		hides       bool
	}{{"hash", ".db", false}, {"cdb", ".cdb", false}, {"lmdb", ".lmdb", true}} {
		w.put(t, secondText(c.typ, ""))
		path, backup := filepath.Join(w.dir, "virtmap-virtual"+c.suffix), filepath.Join(w.dir, "backup"+c.suffix)
		old, err := os.ReadFile(path)
		if err := errorsOf(err, os.Link(path, backup)); err != nil {
			t.Fatal(err)
		}
		known := func() bool { return strings.HasPrefix(w.rcpt(t, "new@a.example")[0], "250 ") }
		if known() {
			t.Fatalf("%s: an address is known before its build", c.typ)
		}
		next := compiled(t, secondText(c.typ, ", new: sys"))
		all := complaints(t, postfix.Server.Audit, mta.Audited{Dir: w.dir, Build: next})
		if told := strings.Contains(all, "a second name"); told != c.hides {
			t.Errorf("%s: a check complains of the second name: %t", c.typ, told)
		}
		if _, err := w.publish(next); err != nil {
			t.Fatal(err)
		}
		if c.hides {
			hidden := 0 // a process that begins now would open the new file
			for range 5 {
				time.Sleep(100 * time.Millisecond)
				if !known() {
					hidden++
				}
			}
			if hidden == 0 {
				t.Errorf("%s: a running Postfix knows the new address", c.typ)
			}
			if kept, err := os.ReadFile(backup); err != nil || string(kept) != string(old) {
				t.Errorf("%s: the build has changed the old file (%v)", c.typ, err)
			}
			if err := os.Remove(backup); err != nil {
				t.Fatal(err)
			}
		}
		if !within(known) {
			t.Errorf("%s: a running Postfix does not know the new address", c.typ)
		}
	}
}
