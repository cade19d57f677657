package resolve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// includes opens what a zone file includes, from its own folder only.
type includes struct {
	fs.FS
	loader *zoneLoader
}

func (i includes) Open(name string) (fs.File, error) {
	if i.loader.included++; i.loader.included > maxIncludes {
		return nil, errTooManyIncludes // a file that includes itself multiplies
	}
	file, err := i.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return i.loader.count(file, name), nil
}

// A lineCounter knows the line that was read last: the parser tells it only
// in its errors.
type lineCounter struct {
	fs.File
	loader *zoneLoader
	name   string
	ended  int  // lines that ended
	within bool // behind the start of a line
	buffer []byte
}

func (l *zoneLoader) count(file fs.File, name string) *lineCounter {
	c := &lineCounter{File: file, loader: l, name: name}
	l.lines = append(l.lines, c)
	return c
}

func (c *lineCounter) line() int {
	if c.within {
		return c.ended + 1
	}
	return max(c.ended, 1)
}

var errTooManyIncludes = fmt.Errorf("more than %d files are included", maxIncludes)

var errZoneTooLarge = errors.New("it is larger than 256 MiB with what it includes")

// ReadByte gives the next byte.
func (c *lineCounter) ReadByte() (byte, error) {
	if len(c.buffer) == 0 {
		c.buffer = make([]byte, 1<<16)
		n, err := c.File.Read(c.buffer)
		c.buffer = c.buffer[:n]
		if c.loader.size += int64(n); c.loader.size > maxZoneBytes {
			return 0, errZoneTooLarge
		}
		if n == 0 {
			if err == nil {
				err = io.ErrNoProgress
			}
			return 0, err
		}
	}
	b := c.buffer[0]
	c.buffer = c.buffer[1:]
	if c.within = b != '\n'; !c.within {
		c.ended++
	}
	return b, nil
}

// Close ends an included file.
func (c *lineCounter) Close() error {
	if last := len(c.loader.lines) - 1; last > 0 && c.loader.lines[last] == c {
		c.loader.lines = c.loader.lines[:last]
	}
	return c.File.Close()
}
