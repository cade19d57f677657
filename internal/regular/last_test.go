package regular_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"virtmap/internal/regular"
)

// TestLastChange: a file that was written long ago and renamed now was changed now.
func TestLastChange(t *testing.T) {
	dir := t.TempDir()
	old, placed, missing := filepath.Join(dir, "old"), filepath.Join(dir, "placed"), filepath.Join(dir, "missing")
	if !regular.LastChange(missing).IsZero() {
		t.Error("a missing file was changed")
	}
	before := time.Now().Add(-time.Minute)
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	future := time.Now().Add(time.Hour).Truncate(time.Second)
	if err := os.Chtimes(old, future, future); err != nil {
		t.Fatal(err)
	}
	if got := regular.LastChange(missing, old); !got.Equal(future) {
		t.Errorf("the time of writing is %v, not %v", got, future)
	}
	long := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, placed); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(placed)
	if err != nil {
		t.Fatal(err)
	}
	if regular.Changed(info).IsZero() {
		t.Skip("this system has no time of the inode")
	}
	if got := regular.LastChange(placed); got.Before(before) {
		t.Errorf("a file that was renamed now was changed at %v", got)
	}
}
