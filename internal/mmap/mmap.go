// Package mmap reads files through the memory that the kernel maps them
// into: nothing is copied, and what was read can be let go of.
//
// A file that is cut short while it is mapped has no bytes there any more. Who
// reads one does so under Guard, in every goroutine of its own.
package mmap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime/debug"
	"syscall"

	"virtmap/internal/regular"
)

// An Image is the content of a file.
type Image struct {
	Bytes []byte

	mapped bool
	kept   io.Closer
}

// Keep has Close close something else too, such as a lock of the file.
func (m *Image) Keep(other io.Closer) { m.kept = other }

// Of gives the image of bytes that are in memory anyway.
func Of(content []byte) *Image { return &Image{Bytes: content} }

// Open maps a regular file. An empty one has nothing to map.
func Open(path string) (*Image, error) {
	file, err := regular.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size == 0 {
		return &Image{}, nil
	}
	if int64(int(size)) != size {
		return nil, fmt.Errorf("%q has %d bytes, too many to map", path, size)
	}
	content, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil { // some file systems cannot
		if content, err = io.ReadAll(file); err != nil {
			return nil, err
		}
		return Of(content), nil
	}
	return &Image{Bytes: content, mapped: true}, nil
}

// Close ends the use of an image.
func (m *Image) Close() (err error) {
	if m.mapped && m.Bytes != nil {
		err = syscall.Munmap(m.Bytes)
	}
	m.Bytes = nil
	if m.kept != nil {
		err = errors.Join(err, m.kept.Close())
		m.kept = nil
	}
	return err
}

// Release lets go of the memory of what was read so far. The kernel keeps the
// file in its cache; who reads on gets it again.
func (m *Image) Release() {
	if m.mapped && m.Bytes != nil {
		release(m.Bytes)
	}
}

// pieceSize is how much is read before it is released.
const pieceSize = 8 << 20

// Pieces gives the content from front to back, and releases each piece behind
// its use.
func (m *Image) Pieces() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for rest := m.Bytes; len(rest) > 0; {
			piece := rest[:min(len(rest), pieceSize)]
			rest = rest[len(piece):]
			more := yield(piece)
			m.Release()
			if !more {
				return
			}
		}
	}
}

// Equal reports whether an image is these bytes.
func (m *Image) Equal(content []byte) bool {
	if len(m.Bytes) != len(content) {
		return false
	}
	for piece := range m.Pieces() {
		if !bytes.Equal(piece, content[:len(piece)]) {
			return false
		}
		content = content[len(piece):]
	}
	return true
}

// ErrCut is returned when a file has bytes no more that it had when it was
// opened.
var ErrCut = errors.New("the file was cut short while it was open, or its disk cannot read it")

// Guard runs a function that reads images. Reading what a file no longer has
// raises SIGBUS, which the runtime turns into a panic here.
func Guard(read func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		failure := recover()
		if failure == nil {
			return
		}
		if _, fault := failure.(interface{ Addr() uintptr }); !fault {
			panic(failure)
		}
		err = ErrCut
	}()
	return read()
}
