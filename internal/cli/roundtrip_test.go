package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"virtmap/internal/workshop/peer"
	"virtmap/internal/workshop/sample"
)

// contentsOf returns the contents of the files in a folder.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(content)
	}
	return all
}

// TestDiffBuildRollback goes from one generated inventory to another. diff shows a
// change, build makes it, diff shows none, a second build prints nothing, and rollback
// restores every byte.
func TestDiffBuildRollback(t *testing.T) {
	changed := 0
	for seed := range peer.Campaign(25) {
		dir := t.TempDir()
		out := filepath.Join(dir, "out")
		inventory := func(v int) string {
			r := rand.New(rand.NewPCG(uint64(seed), uint64(v)))
			file := filepath.Join(dir, fmt.Sprintf("mail%d.yaml", v))
			text := sample.Inventory(r, "/etc/mail", []string{"hash", "cdb", "text"}[seed%3])
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			return file
		}
		old, next := inventory(1), inventory(2)
		common := []string{"-o", out, "--mx", "off"}
		build := func(file string, more ...string) (int, string) {
			code, stdout, stderr := run("", append(append([]string{"build", "-i", file}, common...), more...)...)
			return code, stdout + stderr
		}
		var allow []string
		for _, word := range guardWords() {
			allow = append(allow, "--allow", word)
		}
		if code, _ := build(old); code != 0 {
			continue // the inventory has faults
		}
		diff := func(file string) (int, string) {
			code, stdout, stderr := run("", append([]string{"diff", "-i", file, "--exit-code"}, common...)...)
			return code, stdout + stderr
		}
		code, said := diff(next)
		if code == exitProblems {
			continue // the inventory has faults
		}
		if code != exitPending || strings.Contains(said, "nothing would change") {
			t.Fatalf("seed %d: diff ends with %d: %s", seed, code, said)
		}
		before := contentsOf(t, out)
		if code, said := build(next, allow...); code != 0 {
			t.Fatalf("seed %d: build ends with %d: %s", seed, code, said)
		}
		if code, said := diff(next); code != 0 || !strings.Contains(said, "nothing would change") {
			t.Fatalf("seed %d: after the build diff ends with %d: %s", seed, code, said)
		}
		if code, said := build(next); code != 0 || said != "" {
			t.Fatalf("seed %d: a second build ends with %d: %s", seed, code, said)
		}
		if code, _, said := run("", "rollback", "-o", out); code != 0 {
			t.Fatalf("seed %d: rollback ends with %d: %s", seed, code, said)
		}
		after := contentsOf(t, out)
		for name, content := range before {
			if after[name] != content {
				t.Errorf("seed %d: %s is not what it was", seed, name)
			}
		}
		changed++
	}
	if changed < 10 {
		t.Errorf("only %d changes were made", changed)
	}
}
