// Package peer finds the real programs that tests compare with. A test whose
// peer is missing is skipped with the reason; VIRTMAP_PEERS=require makes that
// a failure. VIRTMAP_CAMPAIGN=n multiplies generated cases.
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

// Skip skips the test because a peer is missing, or fails it where peers are
// required.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("VIRTMAP_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Lack lets a test go on without one of its peers, or fails it where peers are
// required.
func Lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("VIRTMAP_PEERS") == "require" {
		t.Fatalf(format, args...)
	}
	t.Logf(format, args...)
}

// Find gives the path of an installed program.
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

// Run runs a program with a text on standard input and gives what it printed
// to standard output. It fails the test when the program does.
func Run(t testing.TB, stdin string, program string, args ...string) string {
	t.Helper()
	out, errOut, err := Try(stdin, Find(t, program), args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%.2000s%.2000s", program, strings.Join(args, " "), err, out, errOut)
	}
	return out
}

// Try runs a program that may fail.
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

// Root skips the test where it is not run as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "only root may do this")
	}
}

// SafeDir gives a folder that sendmail trusts: neither it nor a folder above
// it is writable for others, as the usual temporary folders are.
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
