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
	"strings"

	"virtmap/internal/hashdb"
	"virtmap/internal/mmap"
)

// Rows are what goes into a map.
type Rows = hashdb.Rows

// A Sum tells sets of rows apart.
type Sum = hashdb.Sum

// SumOf gives the sum of rows.
func SumOf(rows Rows) Sum { return hashdb.SumOf(rows) }

// A Type is one way to store a map.
type Type struct {
	Name   string // as in sendmail's K line, but text
	Suffix string // behind the name of the text file; empty: the text itself

	// Write writes a map of the rows; nil for text.
	Write func(w io.WriteSeeker, rows Rows) error

	fits func(image []byte) bool
	open func(image []byte) (Map, error)
	// check reads a whole image strictly and gives the sum of its rows.
	check func(image *mmap.Image) (Sum, error)
}

// Types are all types; the first whose content fits is taken.
var Types = []Type{
	{
		Name: "hash", Suffix: ".db",
		Write: func(w io.WriteSeeker, rows Rows) error { _, err := hashdb.Write(w, rows); return err },
		fits:  fitsHash,
		open:  func(image []byte) (Map, error) { return hashdb.Open(image) },
		check: func(image *mmap.Image) (Sum, error) {
			stats, err := hashdb.Check(image)
			return stats.Sum, err
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

// WithoutSuffix gives the name of the text that a map belongs to.
func WithoutSuffix(path string) string {
	for _, t := range Types {
		if text, ok := strings.CutSuffix(path, t.Suffix); ok && t.Suffix != "" {
			return text
		}
	}
	return path
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

// CheckImage reads a whole map strictly and gives its type and the sum of its
// rows.
func CheckImage(image *mmap.Image) (typ Type, sum Sum, err error) {
	err = mmap.Guard(func() (err error) {
		for _, typ = range Types {
			if typ.fits(image.Bytes) {
				sum, err = typ.check(image)
				return err
			}
		}
		typ = Type{}
		return ErrType
	})
	return typ, sum, err
}

// magic numbers of Berkeley DB at offset 12, in both byte orders.
func fitsHash(image []byte) bool {
	return len(image) >= 16 && (bytes.Equal(image[12:16], []byte{0x61, 0x15, 0x06, 0}) || bytes.Equal(image[12:16], []byte{0, 0x06, 0x15, 0x61}))
}

// A File is a map that is open.
type File struct {
	Type Type

	path  string
	image *mmap.Image
	m     Map
}

// Open opens the map at a path.
func Open(path string) (*File, error) {
	image, err := mmap.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, image: image}
	err = f.guarded(func() (err error) {
		f.m, f.Type, err = OpenImage(image.Bytes)
		if err == nil && f.Type.Suffix == "" && namedAsMap(path) {
			err = fmt.Errorf("it is neither a Berkeley DB hash file nor a cdb (it has %d bytes)", len(image.Bytes))
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

// Close ends the use of a file.
func (f *File) Close() error {
	f.m = nil
	return f.image.Close()
}

// Release lets go of the memory of what was read so far.
func (f *File) Release() { f.image.Release() }

// guarded runs a function that reads the image, and names the file in errors.
func (f *File) guarded(read func() error) error {
	if err := mmap.Guard(read); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	return nil
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
// it returns an error. It lets go of the memory of what it has read.
func (f *File) Each(row func(key, value []byte) error) error {
	return f.guarded(func() error {
		read := 0
		for pair, err := range f.m.All() {
			if err != nil {
				return err
			}
			if err := row(pair[0], pair[1]); err != nil {
				return err
			}
			if read += len(pair[0]) + len(pair[1]); read > releaseEvery {
				f.Release()
				read = 0
			}
		}
		return nil
	})
}

// Sum reads the whole file strictly and gives the sum of its rows.
func (f *File) Sum() (sum Sum, err error) {
	err = f.guarded(func() (err error) {
		sum, err = f.Type.check(f.image)
		return err
	})
	return sum, err
}

// Explain writes what the bytes of a hash file mean.
func (f *File) Explain(w io.Writer) error {
	if f.Type.Name != "hash" {
		return fmt.Errorf("%s: only hash files are explained byte by byte, and this one is %s", f.path, f.Type.Name)
	}
	return f.guarded(func() error { return hashdb.Explain(w, f.image.Bytes) })
}
