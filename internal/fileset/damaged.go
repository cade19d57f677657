package fileset

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
)

// Installed files may be damaged, for example because a disk was full while makemap
// wrote, or because a machine stopped. The text is read instead of a damaged map, and
// virtmap's copy instead of a damaged text.

// DamagedText returns the reason why a text cannot be the work of a person or a
// program; nil if the text is sound.
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
	for line := range bytes.Lines(text) { // old comments may have another encoding
		if !utf8.Valid(line) && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && !bytes.HasPrefix(line, []byte("dnl")) {
			return fmt.Errorf("%.20q is not UTF-8", line)
		}
	}
	return nil
}

// damagedMap returns the reason why a map cannot be read; nil if it can.
func damagedMap(image *mmap.Image) error {
	_, err := soundMap(image)
	return err
}

// soundMap returns the sum of the rows of a map. The error is the reason why the map
// cannot be read.
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
