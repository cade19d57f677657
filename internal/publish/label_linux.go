package publish

import (
	"errors"
	"os"
	"syscall"
)

// selinuxLabel is where a file keeps its SELinux context.
const selinuxLabel = "security.selinux"

// copyLabel gives a file the context of another; a file that has none, or a
// file system without contexts, changes nothing.
func copyLabel(to *os.File, from, name string) error {
	size, err := syscall.Getxattr(from, name, nil)
	if err != nil || size == 0 {
		return nil
	}
	label := make([]byte, size)
	if size, err = syscall.Getxattr(from, name, label); err != nil {
		return err
	}
	err = syscall.Setxattr(to.Name(), name, label[:size], 0)
	if errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
