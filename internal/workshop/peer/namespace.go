package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// namespaceVariable has the name of the test that runs in its own namespace.
const namespaceVariable = "VIRTMAP_TEST_NAMESPACE"

// Namespace runs the test a second time, with its own namespaces for mounts,
// processes, network and host name. It returns true in that second run. In the first
// run it returns false when the second run has ended; then the test must return.
// Namespace needs root.
func Namespace(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv(namespaceVariable) == t.Name() {
		Run(t, "", "ip", "link", "set", "lo", "up")
		return true
	}
	Root(t)
	unshare := Find(t, "unshare")
	cmd := exec.Command(unshare, "--mount", "--uts", "--net", "--pid", "--fork", "--mount-proc", os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "10m")
	cmd.Env = append(os.Environ(), namespaceVariable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a namespace: %v", err)
	}
	t.Logf("%s", out)
	return false
}

// Lay lays the folders of an unpacked package over those of the machine. Changes go to a
// file system of their own. Use it in a namespace.
func Lay(t *testing.T, root string, folders ...string) {
	t.Helper()
	over := t.TempDir()
	Run(t, "", "mount", "-t", "tmpfs", "none", over)
	t.Cleanup(func() { Run(t, "", "umount", "-l", over) })
	for _, dir := range folders {
		upper, work := filepath.Join(over, dir, "upper"), filepath.Join(over, dir, "work")
		for _, made := range []string{upper, work} {
			if err := os.MkdirAll(made, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		Run(t, "", "mount", "-t", "overlay", "overlay", "-o", "lowerdir="+filepath.Join(root, dir)+":"+dir+",upperdir="+upper+",workdir="+work, dir)
	}
}

// Bind mounts a folder or file in place of another. Use it in a namespace.
func Bind(t *testing.T, from, to string) {
	t.Helper()
	Run(t, "", "mount", "--bind", from, to)
}
