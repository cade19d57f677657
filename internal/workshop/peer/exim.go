package peer

import (
	"os"
	"os/user"
	"path/filepath"
	"testing"
)

// EximRoot returns the folder below which Exim is unpacked. The packages exim4-base,
// exim4-config and exim4-daemon-light conflict with sendmail. So they are not installed
// but unpacked into the folder of VIRTMAP_EXIM.
func EximRoot(t testing.TB) string {
	t.Helper()
	root := os.Getenv("VIRTMAP_EXIM")
	if root == "" {
		Skip(t, "VIRTMAP_EXIM does not name a folder with Exim unpacked")
	}
	if _, err := user.Lookup("Debian-exim"); err != nil {
		Skip(t, "this machine has no account Debian-exim")
	}
	if _, errOut, err := Try("", filepath.Join(root, "usr/sbin/exim4"), "-C", "/dev/null", "-bV"); err != nil {
		Skip(t, "%s: %v %.200s", root, err, errOut)
	}
	return root
}
