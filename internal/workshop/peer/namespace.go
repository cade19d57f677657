package peer

import (
	"os"
	"os/exec"
	"testing"
)

// namespaceVariable says that a test runs in a namespace of its own.
const namespaceVariable = "VIRTMAP_TEST_NAMESPACE"

// Namespace runs the test at hand once more, in namespaces of its own for mounts,
// processes, network and the host's name, and reports whether this is that run.
// Outside it returns false when the other run has ended, and the test is over.
// It needs root.
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

// Bind puts a folder or file in the place of another, in a namespace.
func Bind(t *testing.T, from, to string) {
	t.Helper()
	Run(t, "", "mount", "--bind", from, to)
}
