package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnchangedReadsNothing damages the manifest, which every build that
// reads the inventory mends and tells of: one that has nothing to do does not,
// until something that matters moves.
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
	build := func(more ...string) (int, string) {
		code, stdout, stderr := run("", append([]string{"build", "-i", file, "-o", out, "--mx", "off"}, more...)...)
		return code, stdout + stderr
	}
	manifest := filepath.Join(out, ".virtmap", "manifest.json")
	undamage := func(text string) {
		t.Helper()
		if now, err := os.ReadFile(manifest); err == nil && string(now) == "damaged" {
			write(manifest, text)
		}
	}
	settle := func() {
		t.Helper()
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
			if code, said := build("--allow", "vanished", "--grace", "1ns"); code != 0 {
				t.Fatalf("ends with %d: %s", code, said)
			}
			text, err := os.ReadFile(manifest)
			if err != nil {
				t.Fatal(err)
			}
			write(manifest, "damaged")
			code, said := build()
			undamage(string(text))
			if code == 0 && said == "" {
				return
			}
			time.Sleep(settled)
		}
		t.Fatal("it always reads the inventory")
	}
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
		settle()
		text, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		write(manifest, "damaged")
		back := c.moves()
		if code, said := build(c.args...); code == 0 && !strings.Contains(said, "damaged") {
			t.Errorf("it %s: ends with %d and says %q", c.it, code, said)
		}
		back()
		undamage(string(text))
	}
}
