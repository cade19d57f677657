package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/regular"
)

// MaxBytes bounds an inventory with all its includes: 256 MiB.
const MaxBytes = regular.MaxBytes

// StdinName is the path that means standard input, and how it is reported.
const (
	StdinName    = "-"
	stdinDisplay = "stdin"
)

// Load reads the inventory at path, or from stdin when path is "-", and the
// files it includes. Faults of the inventory are in the list; an error is of
// the machine: a file that cannot be read. With faults the Model is not whole
// and serves for messages only.
//
// What it includes lies in its folder, for standard input the working folder,
// or in one of includeFrom.
func Load(path string, stdin io.Reader, includeFrom ...string) (*Model, *diag.List, error) {
	name, text, err := ReadText(path, stdin)
	if err != nil && !errors.Is(err, errTooLarge) {
		return nil, nil, err
	}
	r := newReader()
	r.includeFrom = includeFrom
	return r.load(path, name, text, errors.Is(err, errTooLarge))
}

// LoadTexts is Load as if files had other texts.
func LoadTexts(path string, texts map[string]string, includeFrom ...string) (*Model, *diag.List, error) {
	text, given := texts[path]
	if !given {
		var err error
		if _, text, err = ReadText(path, nil); err != nil {
			return nil, nil, err
		}
	}
	r := newReader()
	r.texts, r.includeFrom = texts, includeFrom
	return r.load(path, path, text, len(text) > MaxBytes)
}

func (r *reader) load(path, name, text string, tooLarge bool) (*Model, *diag.List, error) {
	r.bytes = len(text)
	if err := r.top(name, text, tooLarge); err != nil {
		return nil, nil, err
	}
	included, err := r.includedFiles(path)
	if err != nil {
		return nil, nil, err
	}
	if err := r.include(included); err != nil {
		return nil, nil, err
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

// readAtMost reads a regular file whole.
func readAtMost(path string, limit int64) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", plainPathError(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	return readAll(f, info.Size(), limit)
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
func readAll(from io.Reader, size, limit int64) (string, error) {
	var text strings.Builder
	text.Grow(int(max(min(size, limit)+1, bytes.MinRead)))
	if _, err := io.Copy(&text, io.LimitReader(from, limit+1)); err != nil {
		return "", err
	}
	if int64(text.Len()) > limit {
		return "", errTooLarge
	}
	return text.String(), nil
}
