package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"virtmap/internal/workshop/peer"
)

// as makes a command run as another user.
func as(cmd *exec.Cmd, uid uint32) *exec.Cmd {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// TestOddPlaces builds in unusual folders.
func TestOddPlaces(t *testing.T) {
	peer.Root(t)
	const nobody = 65534
	// A folder below /tmp, which other users may enter, unlike the folders of a test.
	dir, err := os.MkdirTemp("", "virtmap-places-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "mail.yaml")
	if err := os.WriteFile(file, []byte(receiveInventory), 0o644); err != nil {
		t.Fatal(err)
	}
	self := filepath.Join(dir, "virtmap")
	program, err := os.Executable()
	if err == nil {
		err = os.Link(program, self)
	}
	if err != nil {
		content, problem := os.ReadFile(program)
		if problem == nil {
			problem = os.WriteFile(self, content, 0o755)
		}
		if problem != nil {
			t.Fatal(err, problem)
		}
	}
	build := func(args ...string) *exec.Cmd {
		return &exec.Cmd{Path: self, Args: append([]string{"virtmap", "build", "-i", file, "--mx", "off"}, args...)}
	}
	expect := func(it string, cmd *exec.Cmd, code int, says string) {
		t.Helper()
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), says) {
			t.Errorf("it %s: ends with %d (want %d) and says %q, want %q", it, got, code, out, says)
		}
	}
	mkdir := func(name string, mode os.FileMode, uid int) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, uid, uid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}

	own := mkdir("own", 0o755, nobody)
	expect("builds as anybody in a folder of theirs", as(build("-o", own), nobody), 0, "wrote")
	expect("is silent as anybody", as(build("-o", own), nobody), 0, "")
	expect("makes folders that are missing", as(build("-o", filepath.Join(own, "a", "b")), nobody), 0, "wrote")
	expect("does not write where it may not", as(build("-o", mkdir("locked", 0o555, 0)), nobody), exitPermission, "permission denied")
	expect("keeps its record elsewhere", as(build("-o", mkdir("apart", 0o755, nobody), "--state", filepath.Join(own, "state")), nobody), 0, "wrote")

	real := mkdir("real", 0o755, 0)
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Fatal(err)
	}
	expect("follows a link to the folder", build("-o", link), 0, "wrote")
	if _, err := os.Lstat(filepath.Join(real, "virtusertable.db")); err != nil {
		t.Error(err)
	}
	expect("is the same by either name", build("-o", real), 0, "")

	// The state on another file system, and a read-only folder.
	state := mkdir("state", 0o755, 0)
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=10m"); err != nil {
		t.Skipf("this machine mounts nothing: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(state, 0) })
	other := mkdir("other", 0o755, 0)
	expect("keeps its state on another file system", build("-o", other, "--state", filepath.Join(state, "virtmap")), 0, "wrote")
	if err := syscall.Mount("tmpfs", state, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(receiveInventory, "fake: andrei", "fake: bea", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := build("-o", other, "--state", filepath.Join(state, "virtmap"))
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exitIO && code != exitCannotWrite || !strings.Contains(string(out), "read-only file system") {
		t.Errorf("with a state that cannot be written it ends with %d and says %q", code, out)
	}
}
