package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"virtmap/internal/mmap"
)

// damage says why an installed file that is not what we wrote cannot be what
// anybody wrote: by its own content, or because it is the beginning of what
// we wrote and ends within a line.
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

// isCut reports whether a text is the beginning of what we wrote, or are about
// to write, and ends within a line. No editor leaves such a file.
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

// A beginning is a writer that finds out whether bytes are the beginning of what
// is written to it.
type beginning struct {
	of []byte // those of the bytes that are still to come
	is bool   // all that was written so far is as the bytes have it
}

func (b *beginning) Write(p []byte) (int, error) {
	n := min(len(p), len(b.of))
	b.is = b.is && bytes.Equal(p[:n], b.of[:n])
	b.of = b.of[n:]
	return len(p), nil
}

// Seek fails: a text is written from the beginning to the end.
func (b *beginning) Seek(int64, int) (int64, error) {
	return 0, errors.New("a text is written from its beginning")
}

// recorded reports whether we wrote a file in the place of an output before: the
// manifest lists one, or the installed text of a map is what we wrote.
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

// worthKeeping reports whether a person may have written something of a damaged
// file of ours: it is a text, and not only the beginning of what we wrote.
func (p *publisher) worthKeeping(out Output, image *mmap.Image) bool {
	return out.Source == "" && len(bytes.Trim(image.Bytes, "\x00 \t\r\n")) > 0 && !p.isCut(out, image)
}

// copyOf gives what we wrote in a place, by the generations.
func (p *publisher) copyOf(path string) ([]byte, bool) {
	place, ok := Copy(p.FS, p.State, key(path))
	if !ok {
		return nil, false
	}
	content, err := p.FS.ReadFile(place)
	return content, err == nil
}

// bridgeOf gives the bridge of an output. Where the installed file is damaged the
// bridge is made of what we wrote there, or of the text of the map.
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
