package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"virtmap/internal/mmap"
	"virtmap/internal/regular"
)

// FS has every file-system call of this package. A test can stop the process,
// fill the disk or lose unsynced bytes at each call.
type FS interface {
	Stat(name string) (Info, error) // does not follow a link
	ReadFile(name string) ([]byte, error)
	// Image maps a file, which may be large, into memory. It must be read
	// under mmap.Guard.
	Image(name string) (*mmap.Image, error)
	Create(name string, mode fs.FileMode) (File, error) // fails when the file exists
	Rename(old, new string) error
	Remove(name string) error
	MkdirAll(name string, mode fs.FileMode) error
	SyncDir(name string) error
	Touch(name string, mtime time.Time) error
	Lock(folder string) (unlock func() error, err error)
	// Hold opens a map that will be replaced, so that its time can be set after
	// that. It locks the file as makemap does, and waits no longer than wait
	// for the lock.
	Hold(name string, wait time.Duration) (Held, error)
	// Overwrite replaces a file as a whole. It does not sync: the file may be
	// gone after a stop of the machine. A link is replaced, and the file that
	// the link leads to is left alone.
	Overwrite(name string, content []byte) error
	// Names lists a folder in sorted order. A folder that does not exist has no
	// names.
	Names(folder string) ([]string, error)
	RemoveAll(folder string) error
}

// Held is a file that stays open while another file is renamed to its name.
type Held interface {
	Touch(mtime time.Time) error
	Close() error
}

// File is a file that is being written.
type File interface {
	io.WriteSeeker
	Chown(uid, gid int) error
	Chmod(mode fs.FileMode) error
	// Label sets the SELinux context to that of another file.
	Label(like string) error
	Sync() error
	Close() error
}

// Info is what Stat returns about a file. A file that replaces another gets the
// mode and the owner of the old one.
type Info struct {
	Mode     fs.FileMode
	UID, GID int
	Inode    uint64
	Size     int64
	ModTime  time.Time
	Changed  time.Time // when the inode changed; zero on systems without this time
}

// OS is the real file system.
var OS FS = osFS{}

type osFS struct{}

func (osFS) Stat(name string) (Info, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return Info{}, err
	}
	result := Info{Mode: info.Mode(), UID: -1, GID: -1, Size: info.Size(), ModTime: info.ModTime(), Changed: regular.Changed(info)}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		result.UID, result.GID, result.Inode = int(stat.Uid), int(stat.Gid), uint64(stat.Ino)
	}
	return result, nil
}

// ReadFile reads a regular file of any size. It does not wait for a pipe.
func (osFS) ReadFile(name string) ([]byte, error) { return regular.Read(name, regular.NoLimit) }

// Image locks the file until it is closed, so that makemap and postmap do not
// write to it. Other programs may read the file meanwhile.
func (osFS) Image(name string) (*mmap.Image, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return nil, err
	}
	if err := flock(file, syscall.LOCK_SH, mapWait); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	image, err := mmap.Open(name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	image.Keep(file)
	return image, nil
}

// flock locks a file, and waits no longer than wait for the lock. On a file
// system without locks flock does nothing.
func flock(file *os.File, how int, wait time.Duration) error {
	for until := time.Now().Add(wait); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(file.Fd()), how|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil
		}
		if time.Now().After(until) {
			return fmt.Errorf("%w: makemap or postmap holds %q", ErrLocked, file.Name())
		}
	}
}

func (osFS) Create(name string, mode fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, mode)
	if err != nil {
		return nil, err
	}
	return &osFile{File: f}, nil
}

// writebackEvery is the number of bytes after which the kernel is asked to write
// to the disk.
const writebackEvery = 8 << 20

type osFile struct {
	*os.File
	dirty int // bytes written since beginWriteback
}

func (f *osFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	if f.dirty += n; f.dirty >= writebackEvery {
		f.dirty = 0
		beginWriteback(f.Fd())
	}
	return n, err
}

func (f *osFile) Label(like string) error { return copyLabel(f.File, like, selinuxLabel) }

func (osFS) Rename(old, new string) error { return os.Rename(old, new) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) MkdirAll(name string, mode fs.FileMode) error { return os.MkdirAll(name, mode) }

func (osFS) SyncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (osFS) Touch(name string, mtime time.Time) error { return os.Chtimes(name, time.Time{}, mtime) }

// Lock locks the folder itself, and needs no lock file.
func (osFS) Lock(folder string) (unlock func() error, err error) {
	dir, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		dir.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: it holds %q", ErrLocked, folder)
		}
		return nil, fmt.Errorf("lock %q: %w", folder, err)
	}
	return dir.Close, nil
}

// Hold opens the file for reading when this user may not write to it.
func (osFS) Hold(name string, wait time.Duration) (Held, error) {
	const flags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	file, err := os.OpenFile(name, os.O_RDWR|flags, 0)
	if errors.Is(err, fs.ErrPermission) {
		file, err = os.OpenFile(name, os.O_RDONLY|flags, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := flock(file, syscall.LOCK_EX, wait); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return heldFile{file}, nil
}

func (osFS) Overwrite(name string, content []byte) error {
	staged := beside(name)
	if err := os.Remove(staged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(staged, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(staged, name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(staged))
	}
	return nil
}

func (osFS) Names(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (osFS) RemoveAll(folder string) error { return os.RemoveAll(folder) }

type heldFile struct{ *os.File }

func (f heldFile) Touch(mtime time.Time) error {
	t := syscall.NsecToTimeval(mtime.UnixNano())
	return syscall.Futimes(int(f.Fd()), []syscall.Timeval{t, t})
}

// Prefixes of the names of staged files.
const (
	stagedPrefix = ".virtmap-new-"
	bridgePrefix = ".virtmap-bridge-"
)

// beside returns the path of the staged file for a path. It is in the same folder
// and so on the same file system, as a rename needs.
func beside(name string) string {
	return filepath.Join(filepath.Dir(name), stagedPrefix+filepath.Base(name))
}

// bridge returns the path of the staged bridge for a map. See Output.Bridge.
func bridge(name string) string {
	return filepath.Join(filepath.Dir(name), bridgePrefix+filepath.Base(name))
}
