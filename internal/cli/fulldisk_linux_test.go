package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"virtmap/internal/workshop/peer"
)

// TestFullDisk builds on a file system until it is full.
func TestFullDisk(t *testing.T) {
	peer.Root(t)
	const n = 3000
	dir, files := versions(t, n)
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	small, _ := versions(t, 100)
	if err := syscall.Mount("tmpfs", out, "tmpfs", 0, "size=200k,mode=755"); err != nil {
		t.Skipf("this machine mounts nothing: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(out, 0) })
	mustRun(t, buildArgv(filepath.Join(small, "mail0.yaml"), out))
	before := fates(t, out, 100)
	for range 3 {
		code, _, said := run("", buildArgv(files[0], out)[1:]...)
		if code != exitIO && code != exitCannotWrite || !strings.Contains(said, "no space left") {
			t.Errorf("it ends with %d and says %s", code, said)
		}
		if now := fates(t, out, 100); fmt.Sprint(now) != fmt.Sprint(before) {
			t.Fatal("the old set is not what it was")
		}
		if left, _ := filepath.Glob(filepath.Join(out, ".virtmap-*")); len(left) > 0 {
			t.Errorf("%q is left", left)
		}
	}
	// The state of files that other programs write in place on a full disk.
	r := rand.New(rand.NewPCG(1, 1))
	for range peer.Campaign(10) {
		said := harm(t, r, out)
		code, _, printed := run("", buildArgv(files[0], out, "--adopt")[1:]...)
		if code != exitIO && code != exitCannotWrite || !strings.Contains(printed, "no space left") {
			t.Errorf("%q: it ends with %d and says %s", said, code, printed)
		}
		// A small set has room, and repairs the damage.
		if code, _, printed := run("", buildArgv(filepath.Join(small, "mail0.yaml"), out, "--adopt")[1:]...); code != 0 {
			t.Fatalf("%q: it ends with %d and says %s", said, code, printed)
		}
		if now := fates(t, out, 100); fmt.Sprint(now) != fmt.Sprint(before) {
			t.Fatalf("%q: the set is not healed", said)
		}
	}
	harm(t, r, out)
	if err := syscall.Mount("tmpfs", out, "tmpfs", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, buildArgv(files[0], out, "--adopt"))
	if now := fates(t, out, n); !strings.Contains(now[0], "u0") {
		t.Errorf("with more room it is %v", now)
	}
}
