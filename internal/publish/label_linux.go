package publish

import (
	"errors"
	"os"
	"syscall"
)

// selinuxLabel is the extended attribute with the SELinux context of a file.
const selinuxLabel = "security.selinux"

// copyLabel copies an attribute from one file to another. It does nothing when
// the file or the file system has no such attribute.
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
