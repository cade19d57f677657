package publish

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"virtmap/internal/mmap"
)

// A reader counts the files that are read.
type reader struct {
	FS
	read map[string]int
}

func (r *reader) Image(name string) (*mmap.Image, error) {
	r.read[filepath.Base(name)]++
	return r.FS.Image(name)
}

// A large file that nothing touched is not read again, and one that was touched is,
// also where its size and its time are what they were.
func TestLargeFilesAreNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	r := &reader{FS: OS, read: map[string]int{}}
	build := func(content []byte) []Change {
		t.Helper()
		r.read = map[string]int{}
		out := Output{
			Path: filepath.Join(dir, "table"), Mode: 0o644, UID: -1,
			Write: func(w io.WriteSeeker) error { _, err := w.Write(content); return err },
			Check: func(*mmap.Image) error { return nil },
			Same:  func(image *mmap.Image) bool { return image.Equal(content) },
			Lost:  func(*mmap.Image) []string { return nil },
			Sum:   func() string { return string(content[:8]) },
		}
		report, err := Publish(context.Background(), Set{Outputs: []Output{out}, State: filepath.Join(dir, "state"), FS: r, Keep: -1})
		if err != nil {
			t.Fatal(err)
		}
		return report.Changes
	}
	one := bytes.Repeat([]byte("one line\n"), worthSeeing/8)
	two := bytes.Repeat([]byte("two line\n"), worthSeeing/8)
	build(one)
	time.Sleep(2 * tick)
	build(one) // compares, and remembers
	if changes := build(one); len(changes) > 0 || r.read["table"] > 0 {
		t.Errorf("the same again: %v, read %d times", changes, r.read["table"])
	}
	if changes := build(two); len(changes) != 1 || r.read["table"] > 0 {
		t.Errorf("another: %v, read %d times", changes, r.read["table"])
	}
	time.Sleep(2 * tick)
	build(two)
	info, err := os.Stat(filepath.Join(dir, "table"))
	if err != nil {
		t.Fatal(err)
	}
	harmed := bytes.Clone(two)
	harmed[worthSeeing] = 'X'
	file, err := os.OpenFile(filepath.Join(dir, "table"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(harmed); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, "table"), info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(context.Background(), Set{Outputs: []Output{{
		Path: filepath.Join(dir, "table"), Same: func(image *mmap.Image) bool { return image.Equal(two) },
		Lost: func(*mmap.Image) []string { return nil }, Sum: func() string { return string(two[:8]) },
	}}, State: filepath.Join(dir, "state"), FS: r}); err == nil || r.read["table"] == 0 {
		t.Errorf("a file that was changed by hand: %v, read %d times", err, r.read["table"])
	}
}
