package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestUnchangedReadsNothing damages the manifest. A build that reads the inventory
// repairs the manifest and reports it. A build with nothing to do does not, until
// something changes.
func TestUnchangedReadsNothing(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "mail.yaml"), filepath.Join(dir, "out")
	more := filepath.Join(dir, "domains")
	if err := os.Mkdir(more, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inventory := receiveInventory + "include: [domains/*.yaml]\n"
	write(file, inventory)
	write(filepath.Join(more, "b.yaml"), "domains: {b.example: {addresses: {x: bea}}}\n")
	b := lookingBuild{t, filepath.Join(out, ".virtmap", "manifest.json"), []string{"-i", file, "-o", out, "--mx", "off"}}
	table := filepath.Join(out, "virtusertable.db")
	for _, c := range []struct {
		it    string
		moves func() (back func())
		args  []string
	}{
		{"reads an inventory that was edited", func() func() {
			write(file, strings.Replace(inventory, "fake: andrei", "fake: bea", 1))
			return func() { write(file, inventory) }
		}, nil},
		{"reads one that was edited to the same length and time", func() func() {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			write(file, strings.Replace(inventory, "Gone", "Went", 1))
			if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
			return func() { write(file, inventory) }
		}, nil},
		{"sees an included file that is new", func() func() {
			added := filepath.Join(more, "c.yaml")
			write(added, "domains: {c.example: {addresses: {x: bea}}}\n")
			return func() { os.Remove(added) }
		}, nil},
		{"sees a map that was written to", func() func() {
			image, err := os.ReadFile(table)
			if err != nil {
				t.Fatal(err)
			}
			write(table, string(image))
			return func() {}
		}, nil},
		{"sees a mode that was changed", func() func() {
			if err := os.Chmod(table, 0o600); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.Chmod(table, 0o640) }
		}, nil},
		{"sees a file that is gone", func() func() {
			names := filepath.Join(out, "local-host-names")
			if err := os.Rename(names, names+".away"); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.Rename(names+".away", names) }
		}, nil},
		{"looks when it is told to", func() func() { return func() {} }, []string{"--reloaded"}},
		{"looks when other flags decide", func() func() { return func() {} }, []string{"--mc", file}},
	} {
		b.settle()
		var back func()
		if !b.reads(func() { back = c.moves() }, c.args...) {
			t.Errorf("it %s: it does not", c.it)
		}
		back()
	}
}

// settled is the age that files must have before a build writes a snapshot.
const settled = 50 * time.Millisecond

// A lookingBuild is a build that looks before it reads. When the build reads the
// inventory, it reports a damaged manifest.
type lookingBuild struct {
	t        *testing.T
	manifest string
	args     []string
}

func (b lookingBuild) run(more ...string) (code int, said string) {
	code, stdout, stderr := run("", append(append([]string{"build"}, b.args...), more...)...)
	return code, stdout + stderr
}

// settle builds until a build has nothing to do and reads nothing.
func (b lookingBuild) settle() {
	b.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(settled) {
		if code, said := b.run("--allow", "vanished", "--grace", "1ns"); code != 0 {
			b.t.Fatalf("ends with %d: %s", code, said)
		}
		if !b.reads(func() {}) {
			return
		}
	}
	b.t.Fatal("it always reads the inventory")
}

// reads reports whether a build reads the inventory after a change.
func (b lookingBuild) reads(after func(), more ...string) bool {
	b.t.Helper()
	text, err := os.ReadFile(b.manifest)
	if err != nil {
		b.t.Fatal(err)
	}
	const damaged = "damaged"
	if err := os.WriteFile(b.manifest, []byte(damaged), 0o644); err != nil {
		b.t.Fatal(err)
	}
	after()
	code, said := b.run(more...)
	if now, err := os.ReadFile(b.manifest); err == nil && string(now) == damaged {
		if err := os.WriteFile(b.manifest, text, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	return code != 0 || strings.Contains(said, damaged)
}

const (
	zoneHead   = "$TTL 3600\n@ SOA ns h 1 2 3 4 300\n@ NS ns\n"
	zoneServed = "@ MX 10 mx1.example.net.\n"
)

// TestUnchangedZonesAreNotRead is the same test with zone files: those of a folder, one
// with an origin, and the files that they include.
func TestUnchangedZonesAreNotRead(t *testing.T) {
	dir := t.TempDir()
	at := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	write(at("mail.yaml"), strings.Replace(dnsInventory, "shop.example:", "off.example: {mx_check: skip, addresses: {fake: andrei}}\n  shop.example:", 1))
	write(at("zones", "good.example.zone"), zoneHead+"$INCLUDE mx.inc\n")
	write(at("zones", "mx.inc"), zoneServed)
	write(at("zones", "spare.example.db"), zoneHead)
	write(at("shop"), zoneHead+zoneServed)
	named := at("shop") + ":shop.example"
	b := lookingBuild{t, at("out", ".virtmap", "manifest.json"), []string{"-i", at("mail.yaml"), "-o", at("out"), "--zone", at("zones"), "--zone", named}}
	for _, c := range []struct {
		it    string
		moves func() (back func())
		args  []string
	}{
		{"reads a zone that was edited", func() func() {
			write(at("shop"), zoneHead+"@ MX 20 mx1.example.net.\n")
			return func() { write(at("shop"), zoneHead+zoneServed) }
		}, nil},
		{"reads a zone whose included file was edited", func() func() {
			write(at("zones", "mx.inc"), zoneServed+"www A 192.0.2.1\n")
			return func() { write(at("zones", "mx.inc"), zoneServed) }
		}, nil},
		{"sees that an included file is gone", func() func() {
			move(at("zones", "mx.inc"), at("away"))
			return func() { move(at("away"), at("zones", "mx.inc")) }
		}, nil},
		{"sees a new .zone in the folder", func() func() {
			write(at("zones", "new.example.zone"), zoneHead)
			return func() { os.Remove(at("zones", "new.example.zone")) }
		}, nil},
		{"sees a new db. in the folder", func() func() {
			write(at("zones", "db.new.example"), zoneHead)
			return func() { os.Remove(at("zones", "db.new.example")) }
		}, nil},
		{"sees a zone that is gone from the folder", func() func() {
			move(at("zones", "spare.example.db"), at("away"))
			return func() { move(at("away"), at("zones", "spare.example.db")) }
		}, nil},
		{"sees that the folder is gone", func() func() {
			move(at("zones"), at("away"))
			return func() { move(at("away"), at("zones")) }
		}, nil},
		{"sees a file whose name is that of a file with its origin", func() func() {
			write(named, zoneHead)
			return func() { os.Remove(named) }
		}, nil},
		{"sees that its memory of the verdicts is gone", func() func() {
			move(at("out", ".virtmap", "verdicts.json"), at("away"))
			return func() { move(at("away"), at("out", ".virtmap", "verdicts.json")) }
		}, nil},
		{"reads when another zone file is named", func() func() {
			write(at("other"), zoneHead)
			return func() {}
		}, []string{"--zone", at("other") + ":other.example"}},
	} {
		b.settle()
		var back func()
		if !b.reads(func() { back = c.moves() }, c.args...) {
			t.Errorf("it %s: it does not", c.it)
		}
		back()
	}
	b.settle()
	other := b
	other.args = append(slices.Clone(b.args[:len(b.args)-1]), at("shop")+":.")
	if !other.reads(func() {}) {
		t.Error("it does not read when a file is named with another origin")
	}
	b.settle()
	write(at("zones", "mx.txt"), "no zone")
	if b.reads(func() {}) {
		t.Error("it reads because of a file in the folder that is no zone")
	}
}

// TestPendingZonesAreRead: a domain that zone files speak against is reported again
// after a day, so that every build reads them.
func TestPendingZonesAreRead(t *testing.T) {
	for name, inventory := range map[string]string{
		"pending":  dnsInventory,
		"advisory": strings.Replace(dnsInventory, "shop.example: {", "shop.example: {mx_check: advisory, ", 1),
	} {
		dir := t.TempDir()
		file, zone, state := filepath.Join(dir, "mail.yaml"), filepath.Join(dir, "all"), filepath.Join(dir, "out", ".virtmap")
		build := func(text string) {
			t.Helper()
			if err := os.WriteFile(zone, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			run("", "build", "-i", file, "-o", filepath.Join(dir, "out"), "--zone", zone+":.")
		}
		if err := os.WriteFile(file, []byte(inventory), 0o644); err != nil {
			t.Fatal(err)
		}
		build(strings.Replace(dnsZone, "shop.example. MX 10 mx2.", "shop.example. MX 10 mx1.", 1))
		for range 3 {
			time.Sleep(settled)
			build(dnsZone)
		}
		if _, err := os.Stat(filepath.Join(state, "unchanged.json")); err == nil {
			t.Errorf("%s: it is remembered", name)
		}
	}
}
