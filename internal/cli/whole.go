package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// writeWhole writes a small file. The file gets its name only when it is complete.
func writeWhole(path string, content []byte) error { return writeLike(path, content, 0o644, nil) }

// writePrivate is writeWhole for a file that only its owner can read.
func writePrivate(path string, content []byte) error { return writeLike(path, content, 0o600, nil) }

// rewrite replaces a file, or the file behind a link. Mode and owner do not change.
func rewrite(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return writeLike(path, content, 0, info)
}

// writeLike writes a file with a mode, or with the mode and the owner of another file.
func writeLike(path string, content []byte, mode fs.FileMode, like fs.FileInfo) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".virtmap-new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if like != nil {
		mode = like.Mode().Perm()
		if owner, ok := like.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
			err = errors.Join(err, f.Chown(int(owner.Uid), int(owner.Gid)))
		}
	}
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
