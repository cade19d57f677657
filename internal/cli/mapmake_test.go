package cli

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestMapMakesAtOnce runs two map makes and a build in one folder at the same time.
// They wait for each other, and the files are complete.
func TestMapMakesAtOnce(t *testing.T) {
	dir := t.TempDir()
	inventory := filepath.Join(dir, "mail.yaml")
	text := "version: 1\nhost: {name: mx1.example.net}\nusers: {andrei: }\ndomains: {a.example: {addresses: {fake: andrei}}}\n"
	if err := os.WriteFile(inventory, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	build := []string{"build", "-q", "-i", inventory, "-o", dir, "--mx", "off"}
	if code, _, stderr := run("", build...); code != 0 {
		t.Fatal(stderr)
	}
	text = strings.Replace(text, "fake:", "real: andrei, fake:", 1)
	if err := os.WriteFile(inventory, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	makeMap := []string{"map", "make", "-q", filepath.Join(dir, "virtusertable")}
	var wait sync.WaitGroup
	for _, args := range [][]string{makeMap, build, makeMap} {
		wait.Go(func() {
			if code, _, stderr := run("", args...); code != 0 {
				t.Errorf("%q: exit %d\n%s", args, code, stderr)
			}
		})
	}
	wait.Wait()
	if _, dumped, _ := run("", "map", "dump", filepath.Join(dir, "virtusertable.db")); !strings.Contains(dumped, "real@a.example\tandrei") {
		t.Errorf("the map has\n%s", dumped)
	}
}
