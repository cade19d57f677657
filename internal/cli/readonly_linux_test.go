package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"virtmap/internal/workshop/peer"
)

// readOnly runs the program in a mount namespace of its own, in which a folder is
// mounted read-only.
func readOnly(t *testing.T, folder string, argv []string) (code int, said string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test program acts as virtmap if it is started by this name.
	script := `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99; shift; exec "$@"`
	dir := t.TempDir()
	program := filepath.Join(dir, "virtmap")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", folder, program}, argv[1:]...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() == 99 {
		t.Skipf("this machine mounts nothing: %v, %s", err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestReadOnlyDisk: if nothing has changed, nothing is written, and a read-only disk is
// no error.
func TestReadOnlyDisk(t *testing.T) {
	peer.Root(t)
	dir, files := versions(t, 100)
	out := filepath.Join(dir, "out")
	mustRun(t, buildArgv(files[0], out))
	before := fates(t, out, 100)
	damage := func(name, content string) func() {
		return func() {
			if err := os.WriteFile(filepath.Join(out, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func() {}
	for _, c := range []struct {
		it    string
		first func()
		argv  []string
		codes []int
		says  string
	}{
		{"is silent when nothing changed", nothing, buildArgv(files[0], out), []int{0}, ""},
		{"compares", nothing, []string{"virtmap", "diff", "-i", files[0], "-o", out, "--mx", "off", "--exit-code"}, []int{0}, "nothing would change"},
		{"lists the generations", nothing, []string{"virtmap", "history", "-o", out}, []int{0}, "rows"},
		{"refuses what it would have to write", nothing, buildArgv(files[1], out, "--reloaded"), []int{exitCannotWrite, exitIO}, "read-only file system"},
		{"leaves what it cannot sweep away", damage(".virtmap/.virtmap-new-manifest.json", "{"), buildArgv(files[0], out), []int{0}, ""},
		{"cannot mend a map", damage("virtusertable.db", ""), buildArgv(files[0], out), []int{exitCannotWrite, exitIO}, "read-only file system"},
	} {
		c.first()
		code, said := readOnly(t, out, c.argv)
		if !slices.Contains(c.codes, code) || !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("it %s: ends with %d and says %q, want %d and %q", c.it, code, said, c.codes, c.says)
		}
	}
	mustRun(t, buildArgv(files[0], out))
	if now := fates(t, out, 100); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Error("the set is not what it was")
	}
}

// TestLinksInTheState: a link in place of a file of the state is not followed for
// writing, whatever it leads to.
func TestLinksInTheState(t *testing.T) {
	dir, files := versions(t, 100)
	out := filepath.Join(dir, "out")
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, buildArgv(files[0], out, "--reloaded"))
	all := []string{"lock", "manifest.json", "journal.json", "unannounced", "unchanged.json", "reloaded", "verdicts.json"}
	for i, name := range all {
		for n, link := range []string{filepath.Join(out, ".virtmap", name), filepath.Join(out, ".virtmap", ".virtmap-new-"+name)} {
			if err := os.RemoveAll(link); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(precious, link); err != nil {
				t.Fatal(err)
			}
			mustRun(t, buildArgv(files[(i+n+1)%2], out, "--reloaded", "--on-change", "true"))
			if now, err := os.ReadFile(precious); err != nil || string(now) != "precious" {
				t.Fatalf("through %s it was written: %q, %v", link, now, err)
			}
			unused := name == "unchanged.json" || name == "verdicts.json" // these flags do not use the file
			if info, err := os.Lstat(link); err == nil && !info.Mode().IsRegular() && !(unused && n == 0) {
				t.Errorf("%s is still a link", link)
			}
		}
	}
}

// TestLeftoversAreSwept: the next build removes what a killed build left, even if it
// has nothing else to do. Files that a person made stay.
func TestLeftoversAreSwept(t *testing.T) {
	dir, files := versions(t, 100)
	out := filepath.Join(dir, "out")
	mustRun(t, buildArgv(files[0], out))
	time.Sleep(2 * settled)
	mustRun(t, buildArgv(files[0], out)) // this build writes the snapshot
	long := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{".virtmap/.virtmap-new-unchanged.json", ".virtmap/.virtmap-new-123456", ".virtmap-new-virtusertable", ".virtmap-bridge-virtmap-aliases.db", ".virtmap-new-98765", "mine"} {
		path := filepath.Join(out, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	// A command without a lock may be writing this file.
	if err := os.WriteFile(filepath.Join(out, ".virtmap-new-4711"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, buildArgv(files[0], out))
	var left []string
	for _, pattern := range []string{"/.virtmap-*", "/.virtmap/.virtmap-*", "/mine"} {
		found, _ := filepath.Glob(out + pattern)
		left = append(left, found...)
	}
	if want := []string{out + "/.virtmap-new-4711", out + "/mine"}; fmt.Sprint(left) != fmt.Sprint(want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// TestUnreadableState builds as a user who owns the state folder, but may not read a
// file in it.
func TestUnreadableState(t *testing.T) {
	peer.Root(t)
	const nobody = 65534
	dir, err := os.MkdirTemp("", "virtmap-state-") // a folder that other users may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	_, files := versions(t, 100)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "virtmap")
	for _, c := range [][2]string{{self, program}, {files[0], filepath.Join(dir, "mail0.yaml")}, {files[1], filepath.Join(dir, "mail1.yaml")}} {
		content, err := os.ReadFile(c[0])
		if err == nil {
			err = os.WriteFile(c[1], content, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	build := func(i int) {
		t.Helper()
		argv := buildArgv(filepath.Join(dir, fmt.Sprintf("mail%d.yaml", i%2)), filepath.Join(dir, "out"), "--reloaded", "--on-change", "true")
		if said, err := as(&exec.Cmd{Path: program, Args: argv}, nobody).CombinedOutput(); err != nil {
			t.Errorf("build %d: %v: %s", i, err, said)
		}
	}
	build(0)
	for i, name := range []string{"generations/1/meta.json", "generations/2/virtusertable", "manifest.json", "lock", "reloaded", "unannounced", "journal.json"} {
		path := filepath.Join(dir, "out", ".virtmap", name)
		if _, err := os.Stat(path); err != nil {
			if err := os.WriteFile(path, nil, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		build(i + 1)
	}
}
