package program

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

// A logReader reads the lines that are added to the log.
type logReader struct {
	*os.File
	lines *bufio.Reader
	part  string // the beginning of a line that is not whole yet
}

// openLog returns a reader that begins at the end of the log.
func (p *Instance) openLog() (*logReader, error) {
	file, err := os.Open(p.o.logPath())
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &logReader{File: file, lines: bufio.NewReader(file)}, nil
}

// next returns the next line, without its end; ok is false when there is none yet.
func (r *logReader) next() (line string, ok bool, err error) {
	text, err := r.lines.ReadString('\n')
	r.part += text
	if errors.Is(err, io.EOF) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	line, r.part = strings.TrimSuffix(r.part, "\n"), ""
	return line, true, nil
}
