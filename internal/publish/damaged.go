package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"virtmap/internal/mmap"
)

// damage says what is wrong with an installed file whose digest is not known. It
// returns an empty text for a file that a person may have made. A file is damaged
// by the rules of Output.Damaged, and a text also when it was cut.
func (p *publisher) damage(out Output, image *mmap.Image) string {
	if out.Damaged != nil {
		if err := out.Damaged(image); err != nil {
			return err.Error()
		}
	}
	if out.Source == "" && p.isCut(out, image) {
		return fmt.Sprintf("it was cut after %d bytes", len(image.Bytes))
	}
	return ""
}

// isCut reports whether a text ends within a line and is the beginning of what
// virtmap wrote, or is about to write. Editors do not leave such a file.
func (p *publisher) isCut(out Output, image *mmap.Image) bool {
	if n := len(image.Bytes); n == 0 || image.Bytes[n-1] == '\n' {
		return false
	}
	if written, ok := p.copyOf(out.Path); ok && bytes.HasPrefix(written, image.Bytes) {
		return true
	}
	w := beginning{of: image.Bytes, is: true}
	err := out.Write(&w)
	return err == nil && w.is && len(w.of) == 0
}

// A beginning is a writer that compares bytes with the beginning of what is
// written to it.
type beginning struct {
	of []byte // the bytes that were not compared yet
	is bool   // all bytes compared so far were equal
}

func (b *beginning) Write(p []byte) (int, error) {
	n := min(len(p), len(b.of))
	b.is = b.is && bytes.Equal(p[:n], b.of[:n])
	b.of = b.of[n:]
	return len(p), nil
}

// Seek fails. A text is written without a seek.
func (b *beginning) Seek(int64, int) (int64, error) {
	return 0, errors.New("a text is written from its beginning")
}

// recorded reports whether virtmap wrote this output before: the manifest has
// the file, or has the installed text of the map.
func (p *publisher) recorded(out Output) bool {
	if len(p.manifest.Files[key(out.Path)]) > 0 {
		return true
	}
	if out.Source == "" {
		return false
	}
	sum, err := digestOf(p.FS, out.Source)
	return err == nil && p.manifest.wrote(out.Source, sum)
}

// worthKeeping reports whether a damaged file may have lines that a person wrote:
// it is a text, it is not empty, and it is not the beginning of what virtmap wrote.
func (p *publisher) worthKeeping(out Output, image *mmap.Image) bool {
	return out.Source == "" && len(bytes.Trim(image.Bytes, "\x00 \t\r\n")) > 0 && !p.isCut(out, image)
}

// copyOf returns what virtmap wrote at a path, from the copies of the generations.
func (p *publisher) copyOf(path string) ([]byte, bool) {
	place, ok := Copy(p.FS, p.State, key(path))
	if !ok {
		return nil, false
	}
	content, err := p.FS.ReadFile(place)
	return content, err == nil
}

// bridgeOf returns a function that writes the bridge of an output; nil: there is
// none. If the installed file is damaged, the bridge is made from the copy of the
// file, or from the text of the map.
func (p *publisher) bridgeOf(out Output, image *mmap.Image, damaged bool) func(io.WriteSeeker) error {
	switch {
	case out.Bridge == nil:
		return nil
	case !damaged:
		return out.Bridge(image, nil)
	case out.Source == "":
		written, _ := p.copyOf(out.Path)
		return out.Bridge(mmap.Of(written), nil)
	}
	sum, err := digestOf(p.FS, out.Source)
	if err == nil && p.manifest.wrote(out.Source, sum) {
		if text, err := p.FS.ReadFile(out.Source); err == nil {
			return out.Bridge(mmap.Of(nil), text)
		}
	}
	text, ok := p.copyOf(out.Source)
	if !ok && !p.damaged[out.Source] {
		text, _ = p.FS.ReadFile(out.Source)
	}
	return out.Bridge(mmap.Of(nil), append([]byte{}, text...))
}
