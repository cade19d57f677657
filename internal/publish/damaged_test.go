package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"virtmap/internal/mmap"
	"virtmap/internal/workshop/peer"
)

// collecting returns a set and the lines that Tell gets.
func collecting(dir string, contents ...string) (s Set, lines *[]string) {
	s, lines = set(dir, contents...), new([]string)
	s.Tell = func(line string) { *lines = append(*lines, line) }
	for i := range s.Outputs {
		s.Outputs[i].Damaged = func(image *mmap.Image) error {
			if len(image.Bytes) == 0 || bytes.IndexByte(image.Bytes, 0) >= 0 {
				return errors.New("empty, or with a NUL")
			}
			return nil
		}
	}
	return s, lines
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFilesOfOursAreMadeAnew(t *testing.T) {
	for _, c := range []struct{ it, content, keeps string }{
		{"makes an empty file anew", "", ""},
		{"makes a file of NULs anew", "\x00\x00\n", ""},
		{"keeps what a person may have written beside damage", "by hand \x00\n", "by hand \x00\n"},
		{"makes a file anew that was cut within a line", "one\ntw", ""},
	} {
		dir := t.TempDir()
		publish(t, set(dir, "one\ntwo\n", "other\n"))
		put(t, filepath.Join(dir, "f0"), c.content)
		s, _ := collecting(dir, "three\n", "other\n")
		report, err := Publish(context.Background(), s)
		if err != nil || len(report.Changes) != 1 || report.Changes[0].Damage == "" {
			t.Errorf("it %s: %+v, %v", c.it, report, err)
			continue
		}
		var kept []byte
		if report.Changes[0].Kept != "" {
			kept, _ = os.ReadFile(report.Changes[0].Kept)
		}
		if got := folder(t, dir); got != "f0=three\n f1=other\n" || string(kept) != c.keeps {
			t.Errorf("it %s: the folder has %q, and kept is %q", c.it, got, kept)
		}
		if all, damaged, err := Sound(OS, s.State); err != nil || len(all) != 1 || damaged != nil {
			t.Errorf("it %s: %d generations, %q, %v", c.it, len(all), damaged, err)
		}
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "f0"), "")
	s, _ := collecting(dir, "one\n")
	var foreign *Foreign
	if _, err := Publish(context.Background(), s); !errors.As(err, &foreign) {
		t.Errorf("an empty file that was never ours: %v", err)
	}
}

func TestDamagedManifest(t *testing.T) {
	for _, content := range []string{"", "{", "{}", "null", `{"version":1,"files":{"f0":[]}}`, "\x00\x00\x00"} {
		dir := t.TempDir()
		publish(t, set(dir, "one", "two"))
		path := filepath.Join(dir, "state", ManifestName)
		put(t, path, content)
		s, lines := collecting(dir, "three", "two")
		s.DryRun = true
		publish(t, s)
		if kept, err := os.ReadFile(path); err != nil || string(kept) != content {
			t.Errorf("%q: a dry run leaves %q, %v", content, kept, err)
		}
		s.DryRun = false
		publish(t, s)
		if len(*lines) != 2 || !strings.Contains((*lines)[1], path+" is damaged") || !strings.Contains((*lines)[1], "kept as "+path+".damaged") {
			t.Errorf("%q: it says %q", content, *lines)
		}
		publish(t, s)
		if len(*lines) != 2 {
			t.Errorf("%q: it says %q again", content, (*lines)[2:])
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || string(kept) != content {
			t.Errorf("%q: it is kept as %q, %v", content, kept, err)
		}
	}
	dir := t.TempDir()
	publish(t, set(dir, "one", "two"))
	put(t, filepath.Join(dir, "state", ManifestName), "")
	put(t, filepath.Join(dir, "f1"), "by hand")
	var foreign *Foreign
	if _, err := Publish(context.Background(), set(dir, "three", "four")); !errors.As(err, &foreign) || len(foreign.Files) != 1 {
		t.Errorf("what is not as the last generation has it: %v", err)
	}
	// The second run refuses the file too.
	if _, err := Publish(context.Background(), set(dir, "three", "four")); !errors.As(err, &foreign) || len(foreign.Files) != 1 {
		t.Errorf("the second time: %v", err)
	}
}

// TestNoFilesInTheState puts a pipe, a link and a folder in the place of each
// file of the state. A run does not wait for the pipe, and does not write
// through the link.
func TestNoFilesInTheState(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	put(t, outside, "precious")
	for _, name := range []string{ManifestName, journalName, lockName, NoteName, "verdicts.json", "generations", "adopted", beside("manifest.json"), beside("lock")} {
		for kind, make := range map[string]func(path string) error{
			"pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
			"link":   func(path string) error { return os.Symlink(outside, path) },
			"folder": func(path string) error { return os.MkdirAll(filepath.Join(path, "with", "more"), 0o755) },
		} {
			if kind != "pipe" && (name == "generations" || name == "adopted") {
				continue // a link to a folder is followed
			}
			dir := t.TempDir()
			publish(t, set(dir, "one", "two"))
			path := filepath.Join(dir, "state", name)
			if err := errors.Join(os.RemoveAll(path), make(path)); err != nil {
				t.Fatal(err)
			}
			put(t, filepath.Join(dir, "f1"), "by hand \x00")
			s, _ := collecting(dir, "three", "four")
			s.Records = []Record{{Name: "verdicts.json", Content: []byte("{}")}}
			s.Note = func([]Change) string { return "map" }
			s.Adopt = true
			leave, err := Enter(context.Background(), OS, dir, s.State, Holder{PID: os.Getpid(), Tell: s.Tell})
			if err != nil {
				t.Errorf("a %s as %s: %v", kind, name, err)
				continue
			}
			s.Entered = true
			_, err = Publish(context.Background(), s)
			if err := errors.Join(err, Announced(OS, s.State), leave()); err != nil {
				t.Errorf("a %s as %s: %v", kind, name, err)
			}
			if got := folder(t, dir); got != "f0=three f1=four" {
				t.Errorf("a %s as %s: the folder has %q", kind, name, got)
			}
		}
	}
	if now, err := os.ReadFile(outside); err != nil || string(now) != "precious" {
		t.Errorf("outside it is %q now, %v", now, err)
	}
}

func TestNumbersOfGenerations(t *testing.T) {
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	number := func() (last int) {
		all, _, err := Generations(OS, state)
		if err != nil || len(all) == 0 {
			t.Fatalf("%d generations, %v", len(all), err)
		}
		return all[len(all)-1].Number
	}
	publish(t, set(dir, "one"))
	mine := filepath.Join(state, generationsDir, "4")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"9223372036854775807", "007", "-3", "unfinished-notes"} {
		put(t, filepath.Join(state, generationsDir, name), "mine")
	}
	publish(t, set(dir, "two"))
	if got := number(); got != 5 {
		t.Errorf("beside a folder 4 the next is %d", got)
	}
	// Another program makes a folder with this number during the run.
	s := set(dir, "three")
	s.Verify = func(func(string) string) error {
		return os.MkdirAll(filepath.Join(state, generationsDir, "6", "mine"), 0o755)
	}
	publish(t, s)
	if got := number(); got != 7 && got != 6 {
		t.Errorf("the next is %d", got)
	}
	for i := range 12 {
		s := set(dir, fmt.Sprint("more ", i))
		s.Keep = 1
		publish(t, s)
	}
	for _, name := range []string{"4", "9223372036854775807", "007", "-3", "unfinished-notes"} {
		if _, err := os.Lstat(filepath.Join(state, generationsDir, name)); err != nil {
			t.Errorf("what virtmap did not make is gone: %v", err)
		}
	}
}

// TestFailAndDamage lets each call in turn fail, and damages two files after
// that. The next run puts the whole set in place.
func TestFailAndDamage(t *testing.T) {
	harmed := []string{"f0", "f2", "state/manifest.json", "state/journal.json", "state/generations/1/meta.json", "state/generations/1/f1", "state/lock"}
	for shift := range peer.Campaign(1) {
		for failAt := 1; ; failAt++ {
			dir := t.TempDir()
			publish(t, set(dir, "old0", "old1", "old2"))
			calls := 0
			s := set(dir, "new0", "new1", "new2")
			s.FS = faulty{OS, &calls, failAt}
			_, err := Publish(context.Background(), s)
			if err == nil {
				break
			}
			first, second := harmed[(failAt+shift)%len(harmed)], harmed[(3*failAt+2*shift)%len(harmed)]
			for _, name := range []string{first, second} {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					put(t, filepath.Join(dir, name), "")
				}
			}
			s, lines := collecting(dir, "next0", "next1", "next2")
			if _, err := Publish(context.Background(), s); err != nil {
				t.Fatalf("call %d failed, %s and %s are empty: %v, %q", failAt, first, second, err, *lines)
			}
			if got, want := folder(t, dir), "f0=next0 f1=next1 f2=next2"; got != want {
				t.Fatalf("call %d failed, %s and %s are empty, and the next run leaves %s", failAt, first, second, got)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".virtmap-*")); len(left) > 0 {
				t.Fatalf("%q is left", left)
			}
		}
	}
}

// unreadable is a file system whose disk cannot read a file.
type unreadable struct {
	FS
	path string
}

func (f unreadable) Image(name string) (*mmap.Image, error) {
	if name == f.path {
		return nil, mmap.ErrCut
	}
	return f.FS.Image(name)
}

func TestFileThatTheDiskCannotRead(t *testing.T) {
	dir := t.TempDir()
	publish(t, set(dir, "one", "two"))
	s := set(dir, "three", "two")
	s.FS = unreadable{OS, filepath.Join(dir, "f1")}
	report, err := Publish(context.Background(), s)
	if err != nil || len(report.Changes) != 2 || report.Changes[1].Damage == "" {
		t.Errorf("it is not made anew: %+v, %v", report, err)
	}
	mine := t.TempDir()
	put(t, filepath.Join(mine, "f1"), "by hand")
	s = set(mine, "one", "two")
	s.FS = unreadable{OS, filepath.Join(mine, "f1")}
	if _, err := Publish(context.Background(), s); !errors.Is(err, mmap.ErrCut) {
		t.Errorf("a file that was never ours: %v", err)
	}
}
