package lmdb

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrFormat is wrapped by the errors of Open for an image that is no lmdb file of
// the two formats.
var ErrFormat = errors.New("not an lmdb file that this machine can read")

// magicBytes is the magic number as a little-endian machine writes it.
var magicBytes = []byte{0xde, 0xc0, 0xef, 0xbe}

// Fits reports whether an image has the magic number of an lmdb file where the format
// has it. Files of 32-bit and of big-endian machines count as Format1, so that Open
// can say what they are.
func Fits(image []byte, format Format) bool {
	is3 := hasMagic(image, Format3.head, magicBytes)
	if format.version == Format3.version {
		return is3
	}
	return !is3 && (hasMagic(image, Format1.head, magicBytes) || foreign(image) != "")
}

func hasMagic(image []byte, at int, magic []byte) bool {
	return len(image) >= at+len(magic) && bytes.Equal(image[at:at+len(magic)], magic)
}

// foreign describes the machine whose file it is, if that is not a little-endian one
// of 64 bits; otherwise foreign is empty. With 32 bits the header has four bytes less,
// or eight less in Format3.
func foreign(image []byte) string {
	bigEndian := []byte{0xbe, 0xef, 0xc0, 0xde}
	switch {
	case hasMagic(image, Format1.head, bigEndian), hasMagic(image, Format3.head, bigEndian):
		return "a big-endian machine"
	case hasMagic(image, 12, magicBytes):
		return "a 32-bit machine"
	case hasMagic(image, 16, magicBytes) && versionAt(image, 16) == Format3.version:
		return "a 32-bit machine"
	}
	return ""
}

// versionAt is the version behind a magic number, or 0.
func versionAt(image []byte, at int) uint32 {
	if len(image) < at+8 {
		return 0
	}
	return little.Uint32(image[at+4:])
}

// formatOf finds the format of an image, and checks that its first meta page is
// complete.
func formatOf(image []byte) (Format, error) {
	if machine := foreign(image); machine != "" {
		return Format{}, fmt.Errorf("%w: it was made by %s", ErrFormat, machine)
	}
	for _, format := range []Format{Format1, Format3} {
		if !hasMagic(image, format.head, magicBytes) {
			continue
		}
		if version := versionAt(image, format.head); version != format.version {
			return Format{}, fmt.Errorf("%w: it has version %d", ErrFormat, version)
		}
		if least := format.head + metaSize; len(image) < least {
			return Format{}, damaged("it has %d bytes, and a meta page takes %d", len(image), least)
		}
		return format, nil
	}
	return Format{}, ErrFormat
}
