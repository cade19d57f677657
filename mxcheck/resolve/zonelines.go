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

// includes opens what a zone file includes, from its own folder only.
type includes struct {
	folder *os.Root
	loader *zoneLoader
}

func (i includes) Open(name string) (fs.File, error) {
	if i.loader.included++; i.loader.included > maxIncludes {
		return nil, errTooManyIncludes // a file that includes itself multiplies
	}
	file, err := regular.OpenIn(i.folder, name)
	if err != nil {
		return nil, err
	}
	return i.loader.count(file, name), nil
}

// A lineCounter knows the line on which the last record began: the parser
// tells a line only in its errors.
type lineCounter struct {
	fs.File
	loader *zoneLoader
	name   string
	buffer []byte
	unread []byte
	begun  bool // the file was read from
	digest hash.Hash

	ended   int  // lines that ended
	start   int  // of the record that is being read; 0: it has not begun
	last    int  // start of the record that ended last
	depth   int  // of parentheses
	quoted  bool // within quotes
	comment bool // within a comment
	escaped bool // behind a backslash
}

func (l *zoneLoader) count(file fs.File, name string) *lineCounter {
	c := &lineCounter{File: file, loader: l, name: name, digest: sha256.New()}
	l.lines = append(l.lines, c)
	if path := l.beside(name); l.digests[path] == "" {
		l.digests[path] = unread
	}
	return c
}

// What stands in place of a digest, and is none.
const (
	unread  = "not read to its end"
	changed = "changed while it was read"
)

// end notes the digest of a file that was read to its end. One that is included
// twice may have been written to in between.
func (c *lineCounter) end() {
	path, now := c.loader.beside(c.name), hex.EncodeToString(c.digest.Sum(nil))
	if before := c.loader.digests[path]; before != unread && before != now {
		now = changed
	}
	c.loader.digests[path] = now
}

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

// ReadByte gives the next byte.
func (c *lineCounter) ReadByte() (byte, error) {
	if len(c.unread) == 0 {
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	b := c.unread[0]
	c.unread = c.unread[1:]
	c.follow(b)
	return b, nil
}

// fill reads on. The mark that some editors put in front of UTF-8 is passed
// over.
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

// follow keeps track of where records begin: on a line of their own, but for
// what parentheses and quotes hold together (RFC 1035 5.1).
func (c *lineCounter) follow(b byte) {
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

// Close ends an included file.
func (c *lineCounter) Close() error {
	if last := len(c.loader.lines) - 1; last > 0 && c.loader.lines[last] == c {
		c.loader.lines = c.loader.lines[:last]
	}
	return c.File.Close()
}
