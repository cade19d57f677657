package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// MaxBytes bounds an inventory with all its includes: 256 MiB.
const MaxBytes = 256 << 20

// StdinName is the path that means standard input, and how it is reported.
const (
	StdinName    = "-"
	stdinDisplay = "stdin"
)

// Load reads the inventory at path, or from stdin when path is "-", and the
// files it includes. Faults of the inventory are in the list; an error is of
// the machine: a file that cannot be read. With faults the Model is not whole
// and serves for messages only.
func Load(path string, stdin io.Reader) (*Model, *diag.List, error) {
	r := newReader()
	name := path
	var text string
	var err error
	if path == StdinName {
		name = stdinDisplay
		text, err = r.readAll(stdin, 0)
	} else {
		text, err = r.readFile(path)
	}
	if err != nil && !errors.Is(err, errTooLarge) {
		return nil, nil, fmt.Errorf("inventory %s: %w", name, err)
	}
	if err := r.top(name, text, errors.Is(err, errTooLarge)); err != nil {
		return nil, nil, err
	}
	for _, file := range r.includedFiles(path) {
		text, err := r.readFile(file)
		if err != nil && !errors.Is(err, errTooLarge) {
			return nil, nil, fmt.Errorf("included file: %w", err)
		}
		if err := r.included(file, text, errors.Is(err, errTooLarge)); err != nil {
			return nil, nil, err
		}
	}
	r.finish()
	return r.model, &r.faults, nil
}

// Parse reads one text; an include in it is looked up beside the working
// directory and reported when it matches nothing, but not read.
func Parse(name, text string) (*Model, *diag.List) {
	return newReader().parse(name, text)
}

func (r *reader) parse(name, text string) (*Model, *diag.List) {
	if err := r.top(name, text, len(text) > MaxBytes); err != nil {
		panic(err) // one text of at most MaxBytes cannot pass 4 GiB
	}
	r.finish()
	return r.model, &r.faults
}

var errTooLarge = errors.New("larger than 256 MiB")

// readFile reads a regular file whole; the bytes of all files count.
func (r *reader) readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", plainPathError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("%q is a directory", path)
	}
	return r.readAll(f, info.Size())
}

// plainPathError turns "open x: no such file" into the quoted form of all our
// messages.
func plainPathError(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return fmt.Errorf("cannot %s %q: %w", pe.Op, pe.Path, pe.Err)
	}
	return err
}

// readAll reads to the end; size is how much is likely to come.
func (r *reader) readAll(from io.Reader, size int64) (string, error) {
	limit := int64(MaxBytes - r.bytes)
	var text strings.Builder
	text.Grow(int(max(min(size, limit)+1, bytes.MinRead)))
	if _, err := io.Copy(&text, io.LimitReader(from, limit+1)); err != nil {
		return "", err
	}
	if int64(text.Len()) > limit {
		return "", errTooLarge
	}
	r.bytes += text.Len()
	return text.String(), nil
}

// includedFiles expands the include patterns of the top file, each relative to
// that file's folder, in the order of the list and sorted within a pattern. A
// file that two patterns match is read once.
func (r *reader) includedFiles(top string) []string {
	folder := "."
	if top != StdinName {
		folder = filepath.Dir(top)
	}
	var files []string
	for _, pattern := range r.includes {
		full := pattern.Text
		if !filepath.IsAbs(full) {
			full = filepath.Join(globQuote.Replace(folder), full)
		}
		r.model.Includes = append(r.model.Includes, full)
		matches, err := filepath.Glob(full)
		switch {
		case err != nil:
			r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q is malformed", pattern.Text).
				WithHelp("a pattern is a path with *, ? and [a-z]"))
		case len(matches) == 0:
			r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches no file", pattern.Text).
				WithHelp("the pattern is relative to the folder of the inventory, %q", folder))
		}
		for _, match := range matches {
			if top != StdinName && sameFile(match, top) {
				r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches the inventory itself", pattern.Text).
					WithHelp("put the included files into a folder of their own, such as domains/*.yaml"))
				continue
			}
			if info, err := os.Stat(match); err == nil && info.IsDir() {
				r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches the folder %q", pattern.Text, match).
					WithHelp("name the files in it: %s/*.yaml", strings.TrimSuffix(pattern.Text, "/")))
				continue
			}
			if !slices.ContainsFunc(files, func(path string) bool { return path == match || sameFile(path, match) }) {
				files = append(files, match)
			}
		}
	}
	return files
}

// globQuote takes the meaning of patterns from a folder's own name.
var globQuote = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
