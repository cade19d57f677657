// Package regular reads regular files, and no more of them than a limit.
//
// A path comes from a person, a merge request or the configuration of a server.
// Where it leads to a pipe, a terminal, a device, a socket or a folder, a read
// could wait for ever or never end. Such a path is refused at once.
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

// MaxBytes is the limit of all that is read whole: 256 MiB, a million addresses
// several times over.
const MaxBytes = 256 << 20

// NoLimit is the limit of files that virtmap may have written itself: the rows that
// copies of domains become are no part of an inventory.
const NoLimit = math.MaxInt64 - 1

// Reasons not to read a file that is there; both follow its quoted path.
var (
	ErrNotRegular = errors.New("is no regular file")
	ErrTooLarge   = errors.New("is too large")
)

// Read gives the content of a regular file of at most limit bytes. Links are
// followed. The error wraps ErrNotRegular, ErrTooLarge, or that of the system,
// such as fs.ErrNotExist.
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

// ReadIfThere is Read without a limit; nil where there is no such file.
func ReadIfThere(path string) ([]byte, error) {
	text, err := Read(path, NoLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// ReadStream reads at most limit bytes of what is no file, such as standard
// input, and waits for its end. name is for the error.
func ReadStream(from io.Reader, name string, limit int64) ([]byte, error) {
	return readAll(from, name, 0, limit)
}

// Open opens a regular file for reading. It never waits: for whoever would
// write into a pipe, or for a device.
func Open(path string) (*os.File, error) {
	return open(path, os.Stat, os.OpenFile)
}

// OpenIn is Open within a folder: a path that leads outside is an error.
func OpenIn(folder *os.Root, name string) (*os.File, error) {
	return open(name, folder.Stat, folder.OpenFile)
}

// open looks at a path before it opens it, since to open a device can do
// something, and at the file once more, since the path may lead elsewhere by
// then.
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

// readAll reads to the end. Files of /proc say that they are empty, so that the
// size is a hint only. A bytes.Buffer would clear what it is about to fill, which
// takes a third of the time of a build that finds nothing changed.
func readAll(from io.Reader, path string, size, limit int64) ([]byte, error) {
	content := make([]byte, 0, max(size+1, bytes.MinRead)) // one byte more to meet the end
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

// TooLarge is the error of a file with more bytes than a limit, for who reads
// one piece by piece.
func TooLarge(path string, limit int64) error {
	size := fmt.Sprintf("%d bytes", limit)
	if limit >= 1<<20 && limit%(1<<20) == 0 {
		size = fmt.Sprintf("%d MiB", limit>>20)
	}
	return fmt.Errorf("%q %w: the most that is read is %s", path, ErrTooLarge, size)
}
