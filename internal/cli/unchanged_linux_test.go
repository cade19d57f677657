package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestUnchangedSeesWhatWasPutBack: a map has other bytes, but its old size and its old
// time, which touch -r restores.
func TestUnchangedSeesWhatWasPutBack(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "mail.yaml"), filepath.Join(dir, "out")
	if err := os.WriteFile(file, []byte(receiveInventory), 0o644); err != nil {
		t.Fatal(err)
	}
	b := lookingBuild{t, filepath.Join(out, ".virtmap", "manifest.json"), []string{"-i", file, "-o", out, "--mx", "off"}}
	b.settle()
	table := filepath.Join(out, "virtusertable.db")
	info, err := os.Stat(table)
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if !b.reads(func() {
		if err := os.WriteFile(table, bytes.Replace(image, []byte("andrei"), []byte("andrey"), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(table, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}) {
		t.Error("it does not see a map that was written to and has its old time")
	}
}
