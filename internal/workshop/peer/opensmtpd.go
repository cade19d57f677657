package peer

import (
	"os"
	"path/filepath"
	"testing"
)

// OpenSMTPDRoot returns the folder below which OpenSMTPD is unpacked. The package
// conflicts with sendmail. So it is not installed but unpacked into the folder of
// VIRTMAP_OPENSMTPD. It runs in a mount namespace, which only root can make.
func OpenSMTPDRoot(t testing.TB) string {
	t.Helper()
	root := os.Getenv("VIRTMAP_OPENSMTPD")
	if root == "" {
		Skip(t, "VIRTMAP_OPENSMTPD does not name a folder with OpenSMTPD unpacked")
	}
	Root(t)
	if _, errOut, err := Try("", "unshare", "--mount", "--uts", "--pid", "--fork", "true"); err != nil {
		Skip(t, "this machine has no namespaces: %v %.200s", err, errOut)
	}
	if out, errOut, err := Try("", filepath.Join(root, "usr/sbin/smtpd"), "-h"); out+errOut == "" {
		Skip(t, "%s: %v", root, err)
	}
	return root
}
