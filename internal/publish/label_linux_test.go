package publish

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestLabelIsCopied(t *testing.T) {
	const name = "user.virtmap-test" // stands for security.selinux, and needs no SELinux
	dir := t.TempDir()
	old, to := filepath.Join(dir, "old"), filepath.Join(dir, "new")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := copyLabel(f, old, name); err != nil {
		t.Errorf("without a label: %v", err)
	}
	if err := syscall.Setxattr(old, name, []byte("etc_mail_t"), 0); err != nil {
		t.Skipf("this file system has no extended attributes: %v", err)
	}
	if err := copyLabel(f, old, name); err != nil {
		t.Fatal(err)
	}
	label := make([]byte, 100)
	if n, err := syscall.Getxattr(to, name, label); err != nil || string(label[:max(n, 0)]) != "etc_mail_t" {
		t.Errorf("the label is %q, %v", label[:max(n, 0)], err)
	}
}
