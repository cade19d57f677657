// Package mmap maps files into memory. Reading a mapped file makes no copy, and the
// memory that was read can be released.
//
// When a file is cut short while it is mapped, a read of the missing bytes raises
// SIGBUS. So every goroutine must read an image within Guard, which returns ErrCut
// then:
//
//	image, err := mmap.Open(path)
//	…
//	defer image.Close()
//	err = mmap.Guard(func() error { return check(image.Bytes) })
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
	kept   io.Closer // closed together with the image
}

// Keep makes Close also close other, for example a file with a lock.
func (m *Image) Keep(other io.Closer) { m.kept = other }

// Of returns an image of bytes that are in memory already.
func Of(content []byte) *Image { return &Image{Bytes: content} }

// Open maps a regular file.
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
	if err != nil { // some file systems cannot map files
		if content, err = io.ReadAll(file); err != nil {
			return nil, err
		}
		return Of(content), nil
	}
	return &Image{Bytes: content, mapped: true}, nil
}

// Close unmaps the file. Its bytes must not be read after that.
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

// Release gives the memory of the bytes that were read back to the system. They can
// be read again, mostly from the cache of the kernel.
func (m *Image) Release() {
	if m.mapped && m.Bytes != nil {
		release(m.Bytes)
	}
}

// pieceSize is the number of bytes that are read before their memory is released.
const pieceSize = 8 << 20

// Pieces yields the content in pieces, from the beginning to the end. It releases the
// memory of each piece after its use.
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

// Equal reports whether an image has this content.
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

// ErrCut is the error of Guard for a file that has lost bytes since it was opened.
var ErrCut = errors.New("the file was cut short while it was open, or its disk cannot read it")

// Guard calls a function that reads images. A read of bytes that a file has lost
// raises SIGBUS. The runtime makes a panic of SIGBUS, and Guard returns ErrCut.
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
