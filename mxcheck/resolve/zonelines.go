package resolve

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"virtmap/internal/regular"
)

// includes opens the files that a zone file includes, in its own folder only.
type includes struct {
	folder *os.Root
	loader *zoneLoader
}

func (i includes) Open(name string) (fs.File, error) {
	if i.loader.included++; i.loader.included > maxIncludes {
		return nil, errTooManyIncludes // files that include each other may have no end
	}
	file, err := regular.OpenIn(i.folder, name)
	if err != nil {
		return nil, err
	}
	return i.loader.countLines(file, name), nil
}

// A lineCounter reads a file for the parser and counts lines. It keeps the line on
// which the last record began, because the parser has a line only in its errors.
type lineCounter struct {
	fs.File
	loader *zoneLoader
	name   string
	buffer []byte
	unread []byte
	begun  bool // reading has begun
	digest hash.Hash

	ended   int  // number of lines that have ended
	start   int  // line where the current record begins; 0: no record has begun
	last    int  // line where the record before began
	depth   int  // number of open parentheses
	quoted  bool // within quotes
	comment bool // within a comment
	escaped bool // after a backslash
}

// countLines returns a lineCounter for a file, which becomes the innermost one.

func (l *zoneLoader) countLines(file fs.File, name string) *lineCounter {
	c := &lineCounter{File: file, loader: l, name: name, digest: sha256.New()}
	l.lines = append(l.lines, c)
	if path := l.beside(name); l.digests[path] == "" {
		l.digests[path] = unread
	}
	return c
}

// Texts in place of a digest.
const (
	unread  = "not read to its end"
	changed = "changed while it was read"
)

// end records the digest of a file that was read to its end. A file that is
// included twice may change between the two readings.
func (c *lineCounter) end() {
	path, now := c.loader.beside(c.name), hex.EncodeToString(c.digest.Sum(nil))
	if before := c.loader.digests[path]; before != unread && before != now {
		now = changed
	}
	c.loader.digests[path] = now
}

// line returns the line on which the current record began, or the one before.
func (c *lineCounter) line() int {
	if c.start > 0 {
		return c.start
	}
	return max(c.last, 1)
}

var (
	errTooManyIncludes = fmt.Errorf("more than %d files are included", maxIncludes)
	errZoneTooLarge    = fmt.Errorf("it is larger than %d MiB with what it includes", maxZoneBytes>>20)
)

// ReadByte returns the next byte.
func (c *lineCounter) ReadByte() (byte, error) {
	if len(c.unread) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	b := c.unread[0]
	c.unread = c.unread[1:]
	c.track(b)
	return b, nil
}

// fill fills the buffer. It skips the byte order mark that some editors put in
// front of UTF-8.
func (c *lineCounter) fill() error {
	if c.buffer == nil {
		c.buffer = make([]byte, 1<<14)
	}
	n, err := c.File.Read(c.buffer)
	c.unread = c.buffer[:n]
	c.digest.Write(c.unread)
	if err == io.EOF {
		c.end()
	}
	if c.loader.size += int64(n); c.loader.size > maxZoneBytes {
		return errZoneTooLarge
	}
	if mark := "\xef\xbb\xbf"; !c.begun && n >= len(mark) && string(c.unread[:len(mark)]) == mark {
		c.unread = c.unread[len(mark):]
	}
	c.begun = true
	switch {
	case len(c.unread) > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// track finds out where records begin. A record ends at the end of a line, unless
// the end is within parentheses or quotes (RFC 1035 5.1).
func (c *lineCounter) track(b byte) {
	if c.escaped {
		c.escaped = false
		return
	}
	switch {
	case b == '\n':
		c.comment = false
		c.ended++
		if c.depth <= 0 && !c.quoted && c.start > 0 {
			c.last, c.start = c.start, 0
		}
		return
	case c.comment || b == ' ' || b == '\t' || b == '\r':
		return
	case c.quoted:
		c.quoted = b != '"'
	case b == '"':
		c.quoted = true
	case b == ';':
		c.comment = true
		return
	case b == '(':
		c.depth++
	case b == ')':
		c.depth--
	}
	c.escaped = b == '\\'
	if c.start == 0 {
		c.start = c.ended + 1
	}
}

// Close closes an included file. The file that includes it is the innermost again.
func (c *lineCounter) Close() error {
	if last := len(c.loader.lines) - 1; last > 0 && c.loader.lines[last] == c {
		c.loader.lines = c.loader.lines[:last]
	}
	return c.File.Close()
}
