// Package peer finds and runs the real programs that tests compare with, such as
// makemap, postmap, NSD and libdb. Such a program is a peer. Two environment variables
// change the tests:
//
//	VIRTMAP_PEERS=require  a test without its peer fails; otherwise it is skipped
//	VIRTMAP_CAMPAIGN=n     n times as many generated cases
//
// A test begins with the peer:
//
//	makemap := peer.Find(t, "makemap") // skips the test, and says why
package peer

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Skip skips the test because a peer is missing. It fails the test when peers are
// required.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("VIRTMAP_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Lack logs that a peer is missing, and the test goes on. It fails the test when peers
// are required.
func Lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("VIRTMAP_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Logf(format, args...)
}

// Find returns the path of an installed program. Without the program it skips the
// test.
func Find(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	for _, folder := range []string{"/usr/sbin", "/usr/libexec/sendmail", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path
		}
	}
	Skip(t, "%s is not installed", program)
	return ""
}

// Run runs a program with a text on standard input, and returns its standard output.
// When the program fails, Run fails the test.
func Run(t testing.TB, stdin string, program string, args ...string) string {
	t.Helper()
	out, errOut, err := Try(stdin, Find(t, program), args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%.2000s%.2000s", program, strings.Join(args, " "), err, out, errOut)
	}
	return out
}

// Try runs a program that may fail, and returns its output and its error.
func Try(stdin string, program string, args ...string) (out, errOut string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// Campaign multiplies the number of generated cases by VIRTMAP_CAMPAIGN.
func Campaign(n int) int {
	if times, err := strconv.Atoi(os.Getenv("VIRTMAP_CAMPAIGN")); err == nil && times > 0 {
		return n * times
	}
	return n
}

// Root skips the test unless it runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "only root may do this")
	}
}

// SafeDir makes a folder that sendmail trusts: others cannot write to it, and to no
// folder above it. The usual temporary folders are not of this kind.
func SafeDir(t testing.TB) string {
	t.Helper()
	Root(t)
	if err := os.MkdirAll("/opt", 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/opt", "virtmap-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
