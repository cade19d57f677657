// Package regular reads regular files up to a limit.
//
// A path comes from a person, a merge request or the configuration of a server. It
// may lead to a pipe, a terminal, a device, a socket or a folder, of which a read
// may wait for ever or never end. This package refuses such a path at once:
//
//	"/dev/zero" is no regular file
//	"mail.yaml" is too large: the most that is read is 256 MiB
package regular

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
)

// MaxBytes is the limit for files that are read as a whole: 256 MiB, enough for
// several million addresses.
const MaxBytes = 256 << 20

// NoLimit is the limit for files that virtmap writes. They may be larger than any
// inventory, because a copy of a domain has rows of its own.
const NoLimit = math.MaxInt64 - 1

// Errors for a file that is not read. In a message they follow the quoted path.
var (
	ErrNotRegular = errors.New("is no regular file")
	ErrTooLarge   = errors.New("is too large")
)

// Read returns the content of a regular file of at most limit bytes. It follows
// links. The error wraps ErrNotRegular, ErrTooLarge, or an error of the system such
// as fs.ErrNotExist.
func Read(path string, limit int64) ([]byte, error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, TooLarge(path, limit)
	}
	return readAll(file, path, info.Size(), limit)
}

// ReadIfThere reads a file without a limit. It returns nil when there is no such file.
func ReadIfThere(path string) ([]byte, error) {
	text, err := Read(path, NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// ReadStream reads a stream such as standard input to its end, up to limit bytes.
// name is for the error.
func ReadStream(from io.Reader, name string, limit int64) ([]byte, error) {
	return readAll(from, name, 0, limit)
}

// Open opens a regular file for reading. It never waits for the writer of a pipe or
// for a device.
func Open(path string) (*os.File, error) {
	return open(path, os.Stat, os.OpenFile)
}

// OpenIn opens a regular file within a folder. A path that leads outside is an error.
func OpenIn(folder *os.Root, name string) (*os.File, error) {
	return open(name, folder.Stat, folder.OpenFile)
}

// open checks the type of the file twice: before it opens the path, because opening a
// device can have an effect, and after that, because the path may lead to another
// file meanwhile.
func open(path string, stat func(string) (fs.FileInfo, error), openFile func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	info, err := stat(path)
	if problem := (*fs.PathError)(nil); errors.As(err, &problem) {
		return nil, &fs.PathError{Op: "open", Path: path, Err: problem.Err}
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, notRegular(path)
	}
	file, err := openFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = notRegular(path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func notRegular(path string) error { return fmt.Errorf("%q %w", path, ErrNotRegular) }

// readAll reads to the end, up to limit bytes. size is a hint: files of /proc have the
// size 0. A bytes.Buffer is not used, because it clears memory before it fills it,
// which takes a third of the time of a build without changes.
func readAll(from io.Reader, path string, size, limit int64) ([]byte, error) {
	content := make([]byte, 0, max(size+1, bytes.MinRead)) // one byte more, so that the last read finds the end
	for {
		n, err := from.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		switch {
		case int64(len(content)) > limit:
			return nil, TooLarge(path, limit)
		case errors.Is(err, io.EOF):
			return content, nil
		case err != nil:
			return nil, err
		case len(content) == cap(content):
			content = append(content, 0)[:len(content)]
		}
	}
}

// TooLarge returns the error for a file with more bytes than a limit. It is for
// callers that read a file in pieces.
func TooLarge(path string, limit int64) error {
	size := fmt.Sprintf("%d bytes", limit)
	if limit >= 1<<20 && limit%(1<<20) == 0 {
		size = fmt.Sprintf("%d MiB", limit>>20)
	}
	return fmt.Errorf("%q %w: the most that is read is %s", path, ErrTooLarge, size)
}
