// Package mapfile is the table of the ways a mail map is stored on disk, one
// row a type:
//
//	hash   NAME.db   Berkeley DB hash, by package hashdb
//	cdb    NAME.cdb  constant database: sendmail built with -DCDB, Postfix
//	text   NAME      the lines themselves
//
// Open maps a file into memory, tells its type by its content (a sendmail
// built with CDB=2 calls its cdb files .db too), and reads it. A file that is
// cut short while it is open gives an error, not a crash.
package mapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"strings"
	"syscall"

	"virtmap/internal/hashdb"
)

// Rows are what goes into a map.
type Rows = hashdb.Rows

// A Type is one way to store a map.
type Type struct {
	Name   string // as in sendmail's K line, but text
	Suffix string // behind the name of the text file; empty: the text itself

	// Write writes a map of the rows; nil for text.
	Write func(w io.WriteSeeker, rows Rows) error

	fits func(image []byte) bool
	open func(image []byte) (Map, error)
	// check reads a whole image strictly and gives its number of rows.
	check func(image []byte) (int, error)
}

// Types are all types; the first whose content fits is taken.
var Types = []Type{
	{
		Name: "hash", Suffix: ".db",
		Write: func(w io.WriteSeeker, rows Rows) error { _, err := hashdb.Write(w, rows); return err },
		fits:  fitsHash,
		open:  func(image []byte) (Map, error) { return hashdb.Open(image) },
		check: func(image []byte) (int, error) {
			stats, err := hashdb.Check(image)
			return stats.Rows, err
		},
	},
	{
		Name: "cdb", Suffix: ".cdb",
		Write: writeCDB,
		fits:  fitsCDB,
		open:  func(image []byte) (Map, error) { return openCDB(image) },
		check: checkCDB,
	},
	{
		Name:  "text",
		fits:  func(image []byte) bool { return bytes.IndexByte(image, 0) < 0 },
		open:  func(image []byte) (Map, error) { return textMap(image), nil },
		check: checkText,
	},
}

// ByName finds a type.
func ByName(name string) (Type, bool) {
	for _, t := range Types {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}

// A Map finds values by key and gives all rows.
type Map interface {
	// Get finds a value. It points into the image where it can.
	Get(key []byte) (value []byte, ok bool, err error)
	// All gives the rows in the order of the file, and nothing more after
	// an error.
	All() iter.Seq2[[2][]byte, error]
}

// ErrType is returned for content that is no map of a known type.
var ErrType = errors.New("neither a Berkeley DB hash file nor a cdb nor text")

// OpenImage opens a map in memory.
func OpenImage(image []byte) (Map, Type, error) {
	for _, t := range Types {
		if t.fits(image) {
			m, err := t.open(image)
			return m, t, err
		}
	}
	return nil, Type{}, ErrType
}

// CheckImage reads a whole map strictly and gives its type and number of rows.
func CheckImage(image []byte) (Type, int, error) {
	for _, t := range Types {
		if t.fits(image) {
			n, err := t.check(image)
			return t, n, err
		}
	}
	return Type{}, 0, ErrType
}

// magic numbers of Berkeley DB at offset 12, in both byte orders.
func fitsHash(image []byte) bool {
	return len(image) >= 16 && (bytes.Equal(image[12:16], []byte{0x61, 0x15, 0x06, 0}) || bytes.Equal(image[12:16], []byte{0, 0x06, 0x15, 0x61}))
}

// A File is a map that is open.
type File struct {
	Type Type

	path  string
	image []byte
	m     Map
}

// Open opens the map at a path.
func Open(path string) (*File, error) {
	image, err := mapImage(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, image: image}
	err = f.guarded(func() (err error) {
		f.m, f.Type, err = OpenImage(image)
		if err == nil && f.Type.Suffix == "" && namedAsMap(path) {
			err = fmt.Errorf("it is neither a Berkeley DB hash file nor a cdb (it has %d bytes)", len(image))
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// namedAsMap reports a name that promises more than text.
func namedAsMap(path string) bool {
	for _, t := range Types {
		if t.Suffix != "" && strings.HasSuffix(path, t.Suffix) {
			return true
		}
	}
	return false
}

// Path is the file that was opened.
func (f *File) Path() string { return f.path }

// mapImage maps a file into memory. An empty file has nothing to map.
func mapImage(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is no regular file", path)
	}
	size := info.Size()
	if size == 0 {
		return nil, nil
	}
	if int64(int(size)) != size {
		return nil, fmt.Errorf("%q has %d bytes, too many to map", path, size)
	}
	image, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %q into memory: %w", path, err)
	}
	return image, nil
}

// Close ends the use of a file.
func (f *File) Close() error {
	if f.image == nil {
		return nil
	}
	image := f.image
	f.image, f.m = nil, nil
	return syscall.Munmap(image)
}

// ErrCut is returned when a file became shorter while it was open.
var ErrCut = errors.New("the file was cut short while it was open")

// guarded runs a function that reads the image. Reading a page that the file
// no longer has raises SIGBUS, which the runtime turns into a panic here.
func (f *File) guarded(read func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		failure := recover()
		if failure == nil {
			if err != nil {
				err = fmt.Errorf("%s: %w", f.path, err)
			}
			return
		}
		if _, fault := failure.(interface{ Addr() uintptr }); !fault {
			panic(failure)
		}
		err = fmt.Errorf("%s: %w", f.path, ErrCut)
	}()
	return read()
}

// Append finds the value of a key and appends it to dst.
func (f *File) Append(dst, key []byte) (value []byte, ok bool, err error) {
	err = f.guarded(func() error {
		found, hit, err := f.m.Get(key)
		value, ok = append(dst, found...), hit
		return err
	})
	return value, ok, err
}

// Each gives every row to a function, which must not keep the slices, until
// it returns an error.
func (f *File) Each(row func(key, value []byte) error) error {
	return f.guarded(func() error {
		for pair, err := range f.m.All() {
			if err != nil {
				return err
			}
			if err := row(pair[0], pair[1]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Check reads the whole file strictly and gives its number of rows.
func (f *File) Check() (rows int, err error) {
	err = f.guarded(func() error { rows, err = f.Type.check(f.image); return err })
	return rows, err
}

// Explain writes what the bytes of a hash file mean.
func (f *File) Explain(w io.Writer) error {
	if f.Type.Name != "hash" {
		return fmt.Errorf("%s: only hash files are explained byte by byte, and this one is %s", f.path, f.Type.Name)
	}
	return f.guarded(func() error { return hashdb.Explain(w, f.image) })
}
