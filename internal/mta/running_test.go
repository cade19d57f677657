package mta_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"virtmap/internal/mta"
)

// put writes a file, and returns its path.
func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFindConfig: the configuration of a folder is in it, above it, or further away. A file
// without text is there too.
func TestFindConfig(t *testing.T) {
	above := t.TempDir()
	dir, far := filepath.Join(above, "virtmap"), filepath.Join(t.TempDir(), "server.conf")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	expect := func(want, text string) {
		t.Helper()
		path, got, err := mta.FindConfig(dir, "main.conf", far)
		if err != nil || path != want || string(got) != text {
			t.Errorf("found is %q with %q (%v), and not %q", path, got, err, want)
		}
	}
	expect("", "")
	expect(put(t, far, "far\n"), "far\n")
	expect(put(t, filepath.Join(above, "main.conf"), ""), "")
	expect(put(t, filepath.Join(dir, "main.conf"), "here\n"), "here\n")
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := mta.FindConfig(dir, "folder"); err == nil {
		t.Error("a folder is a configuration")
	}
}

// TestOfPidFile: a pid file counts only while its process runs.
func TestOfPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.pid")
	if _, _, runs := mta.OfPidFile(path); runs {
		t.Error("a missing file has a process")
	}
	for _, text := range []string{"", "x\n", "0\n", "-1\n", "2147483646\n"} {
		if pid, _, runs := mta.OfPidFile(put(t, path, text)); runs {
			t.Errorf("%q has the process %d", text, pid)
		}
	}
	for _, form := range []string{"%d", "      %d\n", "%d\n/usr/sbin/server -bd -q1h\n"} {
		pid, written, runs := mta.OfPidFile(put(t, path, fmt.Sprintf(form, os.Getpid())))
		if !runs || pid != os.Getpid() || written.IsZero() {
			t.Errorf("%q has the process %d, written %v", form, pid, written)
		}
	}
}
