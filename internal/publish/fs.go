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

// FS is every file-system call that publishing makes, so that a test can stop
// the process, fill the disk or lose unsynced bytes at each of them.
type FS interface {
	Stat(name string) (Info, error) // of a link, the link itself
	ReadFile(name string) ([]byte, error)
	// Image gives a file that may be large; who reads it does so under
	// mmap.Guard.
	Image(name string) (*mmap.Image, error)
	Create(name string, mode fs.FileMode) (File, error) // must not exist
	Rename(old, new string) error
	Remove(name string) error
	MkdirAll(name string, mode fs.FileMode) error
	SyncDir(name string) error
	Touch(name string, mtime time.Time) error
	Lock(folder string) (unlock func() error, err error)
	// Hold keeps a file that will be renamed over, to set its time then, and
	// locks it as makemap does, waiting for at most so long.
	Hold(name string, wait time.Duration) (Held, error)
	// Overwrite writes a file, whole or not at all. It may be gone after a stop
	// of the machine. A link in its place is replaced, and what the link leads
	// to left alone.
	Overwrite(name string, content []byte) error
	// Names lists a folder, sorted; none when it is not there.
	Names(folder string) ([]string, error)
	RemoveAll(folder string) error
}

// Held is a file that is open while its name is given to another.
type Held interface {
	Touch(mtime time.Time) error
	Close() error
}

// File is a file that is being written.
type File interface {
	io.WriteSeeker
	Chown(uid, gid int) error
	Chmod(mode fs.FileMode) error
	// Label gives the file the SELinux context of another.
	Label(like string) error
	Sync() error
	Close() error
}

// Info is what is kept of a file that is replaced.
type Info struct {
	Mode     fs.FileMode
	UID, GID int
	Inode    uint64
	Size     int64
	ModTime  time.Time
	Changed  time.Time // of the inode; zero where the system does not tell
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

// ReadFile waits for no pipe. A map that a generation keeps may have any size.
func (osFS) ReadFile(name string) ([]byte, error) { return regular.Read(name, regular.NoLimit) }

// Image keeps makemap and postmap, which write maps in place, from doing so
// while the file is read; programs that only read it are not kept from it.
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

// flock locks a file, waiting for at most so long. Where there are no such
// locks it goes without.
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

// writebackEvery is how many bytes are written before the disk is set to work.
const writebackEvery = 8 << 20

type osFile struct {
	*os.File
	dirty int // bytes written since
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

// Lock locks a folder itself: whoever publishes into it, or keeps its record
// in it, has no lock file to agree on.
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

// Hold takes makemap's lock where it may; another user's map can be held
// without it.
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

// Beginnings of the names of files that are written beside the ones which they
// replace.
const (
	stagedPrefix = ".virtmap-new-"
	bridgePrefix = ".virtmap-bridge-"
)

// beside is the name of the file that is written in place of another, in the
// same folder, so that the rename stays within one file system.
func beside(name string) string {
	return filepath.Join(filepath.Dir(name), stagedPrefix+filepath.Base(name))
}

// bridge is the name of the form of a map that is in place while others are
// swapped.
func bridge(name string) string {
	return filepath.Join(filepath.Dir(name), bridgePrefix+filepath.Base(name))
}
