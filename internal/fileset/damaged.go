package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
)

// Installed files are found damaged: a disk was full while makemap wrote, or a
// machine stopped. In place of a damaged map its text is read, and in place of a
// damaged text the copy that virtmap keeps of it.

// DamagedText says why a text cannot be what a person or a program wrote; nil
// when it can.
func DamagedText(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return errors.New("it is empty")
	}
	for i, c := range text {
		if c < ' ' && (c < '\t' || c > '\r') || c == 0x7f {
			return fmt.Errorf("it has the byte 0x%02x at offset %d", c, i)
		}
	}
	if utf8.Valid(text) {
		return nil
	}
	for line := range bytes.Lines(text) { // comments of long ago may be in another code
		if !utf8.Valid(line) && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && !bytes.HasPrefix(line, []byte("dnl")) {
			return fmt.Errorf("%.20q is not UTF-8", line)
		}
	}
	return nil
}

// damagedMap says why a map cannot be read; nil when it can.
func damagedMap(image *mmap.Image) error {
	_, err := soundMap(image)
	return err
}

// soundMap gives the sum of the rows of a map, or says why it cannot be read.
func soundMap(image *mmap.Image) (mapfile.Sum, error) {
	if len(image.Bytes) == 0 {
		return mapfile.Sum{}, errors.New("it is empty")
	}
	typ, sum, err := mapfile.CheckImage(image)
	if err == nil && typ.Suffix == "" {
		err = mapfile.ErrType
	}
	return sum, err
}
