// Package mapfile reads and writes mail maps. A map is a set of rows on disk,
// each a key and its value. Types is the table of the ways to store a map:
//
//	hash      NAME.db    Berkeley DB hash, written by package hashdb
//	cdb       NAME.cdb   constant database, for Postfix and a sendmail built with -DCDB
//	lmdb      NAME.lmdb  LMDB file of liblmdb 0.9, written by package lmdb
//	lmdb-1.0  NAME.lmdb  LMDB file of liblmdb 1.0
//	text      NAME       lines of text
//	texthash  NAME       the same, which Postfix reads into memory
//
// A line of a text is a key, white space and a value. Empty lines, and lines
// with # in the first column, are not rows:
//
//	# made by hand
//	info@example.org	jane
//	@example.org	error:5.1.1:"550 User unknown"
//
// Open finds the type of a file by its content, because a sendmail built with
// CDB=2 gives cdb files the name .db too. A file that is cut short while it is
// open gives an error and no crash.
//
// Postfix, newaliases and makemap -N put a NUL behind each key and value of a
// hash map. Get and All give the bytes as they are in the file; WithoutNUL takes
// the NUL away.
package mapfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"virtmap/internal/hashdb"
	"virtmap/internal/lmdb"
	"virtmap/internal/mmap"
)

// Rows are the keys and values of a map.
type Rows = hashdb.Rows

// A Sum compares sets of rows, in any order.
type Sum = hashdb.Sum

// SumOf returns the Sum of rows.
func SumOf(rows Rows) Sum { return hashdb.SumOf(rows) }

// A Type is one way to store a map.
type Type struct {
	Name   string // hash, cdb and lmdb are the mail servers' names for these types
	Suffix string // what the name of a map adds to the name of its text

	// Write writes a map of the rows. It is nil for text and texthash.
	Write func(w io.WriteSeeker, rows Rows) error

	fits func(image []byte) bool         // whether an image is of this type
	open func(image []byte) (Map, error) // opens an image
	// check reads a whole image strictly and returns the sum of its rows.
	check func(image *mmap.Image) (Sum, error)
	// explain writes what the bytes of an image mean; nil: they are not explained.
	explain func(w io.Writer, image []byte) error
}

// Types are all types. A file is of the first type that fits its content.
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
		explain: hashdb.Explain,
	},
	{
		Name: "cdb", Suffix: ".cdb",
		Write: writeCDB,
		fits:  fitsCDB,
		open:  func(image []byte) (Map, error) { return openCDB(image) },
		check: checkCDB,
	},
	lmdbType("lmdb", lmdb.Format1),
	lmdbType("lmdb-1.0", lmdb.Format3),
	textType("text"),
	textType("texthash"), // no file is found to be of this type: text is the first that fits
}

// textType returns a type without a map: the server reads the text.
func textType(name string) Type {
	return Type{
		Name:  name,
		fits:  func(image []byte) bool { return bytes.IndexByte(image, 0) < 0 },
		open:  func(image []byte) (Map, error) { return textMap(image), nil },
		check: checkText,
	}
}

// lmdbType returns the type of LMDB files of a format.
func lmdbType(name string, format lmdb.Format) Type {
	return Type{
		Name: name, Suffix: ".lmdb",
		Write: func(w io.WriteSeeker, rows Rows) error { _, err := lmdb.Write(w, rows, format); return err },
		fits:  func(image []byte) bool { return lmdb.Fits(image, format) },
		open:  func(image []byte) (Map, error) { return lmdb.Open(image) },
		check: func(image *mmap.Image) (sum Sum, err error) {
			err = lmdb.Check(image, sum.Add)
			return sum, err
		},
		explain: lmdb.Explain,
	}
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

// Named returns the types of these names, in the order of Types.
func Named(names []string) (types []Type) {
	for _, t := range Types {
		if slices.Contains(names, t.Name) {
			types = append(types, t)
		}
	}
	return types
}

// WithoutSuffix returns the name of the text of a map, given the map's name.
func WithoutSuffix(path string) string {
	for _, t := range Types {
		if text, ok := strings.CutSuffix(path, t.Suffix); ok && t.Suffix != "" {
			return text
		}
	}
	return path
}

// A Map is an open map in memory.
type Map interface {
	// Get finds the value of a key. The value may be a part of the image.
	Get(key []byte) (value []byte, ok bool, err error)
	// All yields the rows in the order of the file. An error is the last
	// thing that All yields.
	All() iter.Seq2[[2][]byte, error]
}

// ErrType is the error for content that is no map of a known type.
var ErrType = errors.New("neither a Berkeley DB hash file nor a cdb nor an lmdb file nor text")

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

// CheckImage reads a whole map strictly. It returns the type of the map and the
// sum of its rows.
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

// fitsHash reports whether the magic number of a Berkeley DB hash is at offset
// 12, in either byte order.
func fitsHash(image []byte) bool {
	return len(image) >= 16 && (bytes.Equal(image[12:16], []byte{0x61, 0x15, 0x06, 0}) || bytes.Equal(image[12:16], []byte{0, 0x06, 0x15, 0x61}))
}

// A File is an open map on disk.
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
			err = fmt.Errorf("it is neither a Berkeley DB hash file nor a cdb nor an lmdb file (it has %d bytes)", len(image.Bytes))
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// namedAsMap reports whether a path has the suffix of a hash, cdb or lmdb map.
func namedAsMap(path string) bool {
	for _, t := range Types {
		if t.Suffix != "" && strings.HasSuffix(path, t.Suffix) {
			return true
		}
	}
	return false
}

// Path returns the path that Open was given.
func (f *File) Path() string { return f.path }

// Close closes the file. Values of its map are no longer valid then.
func (f *File) Close() error {
	f.m = nil
	return f.image.Close()
}

// Release gives the memory of the pages that were read back to the system.
func (f *File) Release() { f.image.Release() }

// guarded calls a function that reads the image. Errors get the path of the file.
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

// Each calls a function with every row, until the function returns an error.
// The function must not keep the slices: Each releases the memory of what it has
// read.
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

// Sum reads the whole file strictly and returns the sum of its rows.
func (f *File) Sum() (sum Sum, err error) {
	err = f.guarded(func() (err error) {
		sum, err = f.Type.check(f.image)
		return err
	})
	return sum, err
}

// Explain writes what the bytes of a hash or lmdb file mean.
func (f *File) Explain(w io.Writer) error {
	if f.Type.explain == nil {
		return fmt.Errorf("%s: only hash files and lmdb files are explained byte by byte, and this one is %s", f.path, f.Type.Name)
	}
	return f.guarded(func() error { return f.Type.explain(w, f.image.Bytes) })
}
