package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/mmap"
)

func text(path, content string) Output {
	same := func(image *mmap.Image) bool { return string(image.Bytes) == content }
	return Output{
		Path: path, Mode: 0o640, UID: -1,
		Write: func(w io.WriteSeeker) error { _, err := io.WriteString(w, content); return err },
		Same:  same,
		Check: func(image *mmap.Image) error {
			if !same(image) {
				return errors.New("differs")
			}
			return nil
		},
		Lost: func(image *mmap.Image) []string { return strings.Fields(string(image.Bytes)) },
	}
}

func set(dir string, contents ...string) Set {
	s := Set{State: filepath.Join(dir, "state"), FS: OS}
	for i, content := range contents {
		s.Outputs = append(s.Outputs, text(filepath.Join(dir, fmt.Sprintf("f%d", i)), content))
	}
	return s
}

func publish(t *testing.T, s Set) Report {
	t.Helper()
	report, err := Publish(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// folder returns the names and contents of the files in a folder, without the
// state and staged files.
func folder(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			content, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, e.Name()+"="+string(content))
		}
	}
	return strings.Join(all, " ")
}

func TestUnchangedFilesAreUntouched(t *testing.T) {
	dir := t.TempDir()
	if got := publish(t, set(dir, "one", "two")); len(got.Changes) != 2 || !got.Changes[0].New {
		t.Errorf("first run: %+v", got)
	}
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	for _, name := range []string{"f0", "f1", "state/manifest.json"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if got := publish(t, set(dir, "one", "two")); len(got.Changes) != 0 {
		t.Errorf("second run: %+v", got)
	}
	publish(t, set(dir, "one", "three"))
	for name, moved := range map[string]bool{"f0": false, "f1": true} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.ModTime().Equal(old) == moved {
			t.Errorf("%s: time %v, %v", name, info.ModTime(), err)
		}
	}
}

func TestReplacedFileKeepsOwnerAndMode(t *testing.T) {
	dir := t.TempDir()
	publish(t, set(dir, "one"))
	path := filepath.Join(dir, "f0")
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 12345, 54321
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, set(dir, "two"))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	stat := info.Sys().(*syscall.Stat_t)
	if info.Mode().Perm() != 0o604 || int(stat.Uid) != uid || int(stat.Gid) != gid {
		t.Errorf("mode %v, owner %d:%d", info.Mode(), stat.Uid, stat.Gid)
	}
}

func TestForeignFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f0")
	if err := os.WriteFile(path, []byte("made by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Publish(context.Background(), set(dir, "one", "two"))
	var foreign *Foreign
	if !errors.As(err, &foreign) || len(foreign.Files) != 1 || !slices.Equal(foreign.Files[0].Lost, []string{"made", "by", "hand"}) {
		t.Fatalf("a foreign file: %v", err)
	}
	if got := folder(t, dir); got != "f0=made by hand" {
		t.Errorf("the folder has %s", got)
	}
	s := set(dir, "one", "two")
	s.Adopt = true
	got := publish(t, s)
	if len(got.Changes[0].Lost) != 3 {
		t.Errorf("adopted: %+v", got)
	}
	if kept, err := os.ReadFile(got.Changes[0].Kept); err != nil || string(kept) != "made by hand" {
		t.Errorf("the adopted file is kept as %q: %q, %v", got.Changes[0].Kept, kept, err)
	}
	if err := os.WriteFile(path, []byte("changed by hand"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(context.Background(), set(dir, "three", "two")); !errors.As(err, &foreign) {
		t.Errorf("a changed file: %v", err)
	}
}

func TestRebuiltMapIsOurs(t *testing.T) {
	dir := t.TempDir()
	withMap := func(content string) Set {
		s := set(dir, content, "map of "+content)
		s.Outputs[1].Source = s.Outputs[0].Path
		s.Outputs[1].Rebuilt = func(image *mmap.Image, read func(string) ([]byte, error)) bool {
			text, err := read(s.Outputs[0].Path)
			return err == nil && image.Equal(append([]byte("rebuilt of "), text...))
		}
		return s
	}
	publish(t, withMap("one"))
	rebuilt := filepath.Join(dir, "f1")
	if err := os.WriteFile(rebuilt, []byte("rebuilt of one"), 0o644); err != nil {
		t.Fatal(err)
	}
	publish(t, withMap("two"))
	if got := folder(t, dir); got != "f0=two f1=map of two" {
		t.Errorf("the folder has %s", got)
	}
	for name, content := range map[string]string{"f0": "hand", "f1": "rebuilt of hand"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var foreign *Foreign
	if _, err := Publish(context.Background(), withMap("three")); !errors.As(err, &foreign) || len(foreign.Files) != 2 {
		t.Errorf("a map rebuilt of a changed text: %v", err)
	}
}

// TestMapIsNotOlderThanItsText changes a comment of a text. The map stays as it
// is and gets a new time.
func TestMapIsNotOlderThanItsText(t *testing.T) {
	dir := t.TempDir()
	s := set(dir, "one", "map")
	s.Outputs[1].Source = s.Outputs[0].Path
	publish(t, s)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "f1"), old, old); err != nil {
		t.Fatal(err)
	}
	s = set(dir, "two", "map")
	s.Outputs[1].Source = s.Outputs[0].Path
	if got := publish(t, s); len(got.Changes) != 1 {
		t.Errorf("changes: %+v", got)
	}
	textInfo, _ := os.Stat(filepath.Join(dir, "f0"))
	mapInfo, _ := os.Stat(filepath.Join(dir, "f1"))
	if mapInfo.ModTime().Before(textInfo.ModTime()) {
		t.Errorf("the map is of %v, its text of %v", mapInfo.ModTime(), textInfo.ModTime())
	}
}

func TestOptionalAndStaleFiles(t *testing.T) {
	dir := t.TempDir()
	s := set(dir, "one", "none")
	s.Outputs[1].IfKnown = true
	publish(t, s)
	if got := folder(t, dir); got != "f0=one" {
		t.Errorf("a file that was never written: %s", got)
	}
	publish(t, set(dir, "one", "some"))
	s = set(dir, "one", "none")
	s.Outputs[1].IfKnown = true
	publish(t, s)
	if got := folder(t, dir); got != "f0=one f1=none" {
		t.Errorf("a file that is no longer needed: %s", got)
	}
	if got := publish(t, set(dir, "one")); len(got.Stale) != 1 || filepath.Base(got.Stale[0]) != "f1" {
		t.Errorf("stale: %+v", got)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	publish(t, set(dir, "one"))
	unlock, err := OS.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(context.Background(), set(dir, "two")); !errors.Is(err, ErrLocked) {
		t.Errorf("a second build: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	publish(t, set(dir, "two"))
}

func TestNoRegularFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("elsewhere", filepath.Join(dir, "f0")); err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(context.Background(), set(dir, "one")); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a symbolic link: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Publish(context.Background(), set(filepath.Join(dir, "file", "below"), "one")); !errors.Is(err, ErrCreate) {
		t.Errorf("a folder below a file: %v", err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	quiet := t.TempDir()
	if _, err := Publish(ended, set(quiet, "one")); !errors.Is(err, context.Canceled) || folder(t, quiet) != "" {
		t.Errorf("an interrupted run: %v, %s", err, folder(t, quiet))
	}
}

// TestTimeOfOldInode: a sendmail that has the old map open sees by the time of
// its inode that there is a new map.
func TestTimeOfOldInode(t *testing.T) {
	dir := t.TempDir()
	withMap := func(content string) Set {
		s := set(dir, content, "map of "+content)
		s.Outputs[1].Source = s.Outputs[0].Path
		return s
	}
	publish(t, withMap("one"))
	open, err := os.Open(filepath.Join(dir, "f1"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	before, _ := open.Stat()
	publish(t, withMap("two"))
	after, err := open.Stat()
	if err != nil || after.ModTime().Sub(before.ModTime()) < time.Second {
		t.Errorf("the old inode went from %v to %v", before.ModTime(), after.ModTime())
	}
	renamed, _ := os.Stat(filepath.Join(dir, "f1"))
	if os.SameFile(renamed, after) {
		t.Error("the map was written in place")
	}
}

// TestFileChangedMeanwhile edits a file while others are staged. The file is not
// overwritten.
func TestFileChangedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	publish(t, set(dir, "one", "two"))
	s := set(dir, "new one", "new two")
	write := s.Outputs[1].Write
	s.Outputs[1].Write = func(w io.WriteSeeker) error {
		if err := os.WriteFile(filepath.Join(dir, "f0"), []byte("edited"), 0o644); err != nil {
			t.Fatal(err)
		}
		return write(w)
	}
	if _, err := Publish(context.Background(), s); !errors.Is(err, ErrChanged) || folder(t, dir) != "f0=edited f1=two" {
		t.Errorf("%v, %s", err, folder(t, dir))
	}
	shared := set(dir, "text")
	shared.Outputs[0].Shared, shared.Outputs[0].Base = true, []byte("what it was made from")
	if _, err := Publish(context.Background(), shared); !errors.Is(err, ErrChanged) {
		t.Errorf("a shared file: %v", err)
	}
}

// TestLeftoversAreRemoved: a run removes the files that a killed run staged, also
// when it has nothing to write.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := t.TempDir()
	publish(t, set(dir, "one"))
	for _, name := range []string{".virtmap-new-f0", "state/.virtmap-new-manifest.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, set(dir, "one"))
	for _, pattern := range []string{"/.virtmap-new-*", "/state/.virtmap-new-*"} {
		if left, _ := filepath.Glob(dir + pattern); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// faulty counts the calls that change something and fails one of them.
type faulty struct {
	FS
	calls  *int
	failAt int
}

var errInjected = fmt.Errorf("injected: %w", syscall.ENOSPC)

func (f faulty) step() error {
	*f.calls++
	if *f.calls == f.failAt {
		return errInjected
	}
	return nil
}

func (f faulty) Create(name string, mode fs.FileMode) (File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	file, err := f.FS.Create(name, mode)
	return faultyFile{file, f}, err
}

func (f faulty) Rename(old, new string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.Rename(old, new)
}

func (f faulty) SyncDir(name string) error {
	if err := f.step(); err != nil {
		return err
	}
	return f.FS.SyncDir(name)
}

type faultyFile struct {
	File
	f faulty
}

func (f faultyFile) Write(p []byte) (int, error) {
	if err := f.f.step(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f faultyFile) Sync() error {
	if err := f.f.step(); err != nil {
		return err
	}
	return f.File.Sync()
}

// TestFailAtEveryCall lets each call in turn fail. Before the first rename nothing
// has changed. After it every file is the whole old or the whole new one, and
// the next run puts all new files in place and refuses none as made by hand.
func TestFailAtEveryCall(t *testing.T) {
	for failAt := 1; ; failAt++ {
		dir := t.TempDir()
		publish(t, set(dir, "old0", "old1", "old2"))
		calls := 0
		s := set(dir, "new0", "new1", "new2")
		s.FS = faulty{OS, &calls, failAt}
		_, err := Publish(context.Background(), s)
		if err == nil {
			if calls >= failAt {
				t.Fatalf("call %d failed and the run did not", failAt)
			}
			if failAt < 15 {
				t.Fatalf("only %d calls", calls)
			}
			return
		}
		if !errors.Is(err, errInjected) {
			t.Fatal(err)
		}
		for _, content := range strings.Fields(folder(t, dir)) {
			name, got, _ := strings.Cut(content, "=")
			if n := strings.TrimPrefix(name, "f"); got != "old"+n && got != "new"+n {
				t.Fatalf("call %d failed: %s", failAt, content)
			}
		}
		// The next inventory may be the old one, the new one or a third.
		for _, next := range []string{"old", "new", "next"} {
			publish(t, set(dir, next+"0", next+"1", next+"2"))
			if got, want := folder(t, dir), fmt.Sprintf("f0=%[1]s0 f1=%[1]s1 f2=%[1]s2", next); got != want {
				t.Fatalf("call %d failed, and the next run leaves %s", failAt, got)
			}
		}
	}
}

func TestReplaceOneFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "virtusertable.db")
	replace := func(content string, check error) error {
		out := text(path, content)
		out.Source = filepath.Join(dir, "virtusertable")
		if check != nil {
			out.Check = func(*mmap.Image) error { return check }
		}
		return Replace(context.Background(), dir, Replacement{FS: OS, Make: func() (Output, error) { return out, nil }})
	}
	only := func(content string, mode fs.FileMode) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("the file says %q, %v, not %q", got, err, content)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("its mode is %v, %v, not %v", info.Mode(), err, mode)
		}
		if names, err := OS.Names(dir); err != nil || len(names) != 1 {
			t.Errorf("the folder has %q, %v", names, err)
		}
	}
	if err := replace("one", nil); err != nil {
		t.Fatal(err)
	}
	only("one", 0o640)
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if err := replace("two", nil); err != nil {
		t.Fatal(err)
	}
	only("two", 0o604)
	wrong := errors.New("wrong")
	if err := replace("three", wrong); !errors.Is(err, wrong) {
		t.Errorf("a file that is not what it should be: %v", err)
	}
	only("two", 0o604)
	unlock, err := OS.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := replace("four", nil); !errors.Is(err, ErrLocked) {
		t.Errorf("while a build is at work: %v", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	only("two", 0o604)
	if err := os.Rename(path, path+".real"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".real", path); err != nil {
		t.Fatal(err)
	}
	if err := replace("four", nil); !errors.Is(err, ErrNotFile) {
		t.Errorf("a link: %v", err)
	}
}

// TestOverwriteFollowsNoLink: Overwrite replaces a link and leaves the file alone
// that the link leads to. Create and Hold do not follow a link either.
func TestOverwriteFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, "lock")
	for _, link := range []string{lock, beside(lock), filepath.Join(dir, "new")} {
		if err := os.Symlink(precious, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := OS.Overwrite(lock, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	if _, err := OS.Create(filepath.Join(dir, "new"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created through a link: %v", err)
	}
	if _, err := OS.Hold(filepath.Join(dir, "new"), 0); err == nil {
		t.Error("held through a link")
	}
	if got := folder(t, dir); got != "lock=ours new=precious precious=precious" {
		t.Errorf("the folder has %s", got)
	}
}
