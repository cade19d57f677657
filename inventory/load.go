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

// MaxBytes is the limit for an inventory with all its includes: 256 MiB.
const MaxBytes = regular.MaxBytes

// StdinName is the path for standard input, and its name in messages.
const (
	StdinName    = "-"
	stdinDisplay = "stdin"
)

// Load reads the inventory at path, and the files it includes. If path is "-", it reads
// stdin. Faults of the inventory are in the list. An error is a fault of the machine,
// such as a file that cannot be read. If there are faults, the Model is not complete,
// and may be used only for messages.
//
// Included files must be in the folder of the inventory, or in one of includeFrom. The
// folder of standard input is the working folder.
func Load(path string, stdin io.Reader, includeFrom ...string) (*Model, *diag.List, error) {
	name, text, err := ReadText(path, stdin)
	if err != nil && !errors.Is(err, errTooLarge) {
		return nil, nil, err
	}
	r := newReader()
	r.includeFrom = includeFrom
	return r.load(path, name, text, errors.Is(err, errTooLarge))
}

// LoadTexts is Load, but texts replaces the contents of some files.
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

// Parse reads one text. An include in it is looked up in the working folder, and
// reported if it matches no file. The included files are not read.
func Parse(name, text string) (*Model, *diag.List) {
	return newReader().parse(name, text)
}

func (r *reader) parse(name, text string) (*Model, *diag.List) {
	if err := r.top(name, text, len(text) > MaxBytes); err != nil {
		panic(err) // a text of at most MaxBytes is never as large as 4 GiB
	}
	r.finish()
	return r.model, &r.faults
}

var errTooLarge = errors.New("larger than 256 MiB")

// readAtMost reads a whole regular file.
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

// plainPathError returns an error such as "open x: no such file" with the path in
// quotes, as in all other messages.
func plainPathError(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return fmt.Errorf("cannot %s %q: %w", pe.Op, pe.Path, pe.Err)
	}
	return err
}

// readAll reads to the end. size is the expected number of bytes.
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
