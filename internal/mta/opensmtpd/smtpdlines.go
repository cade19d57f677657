package opensmtpd

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"virtmap/internal/regular"
)

// A place is where a line of the configuration is.
type place struct {
	path   string
	number int
}

// A lineReader reads smtpd.conf with the files that it includes, whose lines take the
// place of the include line (smtpd.conf(5)). A virtmap.conf is not read: its include line
// is what the wiring looks for.
type lineReader struct {
	here   bool // the files are those of this machine; otherwise a missing one is passed over
	lines  []string
	places []place  // of the lines
	paths  []string // of the files that were read
	open   []string // files that are being read, from smtpd.conf on
}

// deepest is how deep files may include each other. smtpd has no limit but that of open
// files.
const deepest = 16

// includeLine matches a line that includes a file, with the path.
var includeLine = regexp.MustCompile(`^include\s*["']([^"']+)["']\s*(?:#.*)?$`)

// read reads a file with those that it includes.
func (r *lineReader) read(path string, text []byte) error {
	r.paths, r.open = append(r.paths, path), append(r.open, path)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	for number, line := range numbered(text) {
		found, at := includeLine.FindStringSubmatch(line), place{path, number}
		if found == nil || filepath.Base(found[1]) == fileConf {
			r.lines, r.places = append(r.lines, line), append(r.places, at)
			continue
		}
		text, err := r.included(found[1])
		if err != nil {
			return fmt.Errorf("%s:%d: include %q: %w", path, number, found[1], err)
		}
		if err := r.read(found[1], text); err != nil {
			return err
		}
	}
	return nil
}

// included returns the text of a file that is included.
func (r *lineReader) included(path string) ([]byte, error) {
	if slices.Contains(r.open, path) {
		return nil, errors.New("the file includes itself")
	}
	if len(r.open) == deepest {
		return nil, fmt.Errorf("files include each other more than %d deep", deepest)
	}
	if !r.here {
		return regular.ReadIfThere(path)
	}
	return regular.Read(path, regular.NoLimit)
}

// numbered returns the lines of a text without comments and empty lines, by number. A line
// that ends in a backslash goes on in the next one.
func numbered(text []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		whole, first, number := "", 1, 0
		for line := range strings.Lines(string(text)) {
			number++
			part, more := strings.CutSuffix(strings.TrimSuffix(line, "\n"), `\`)
			if whole += part; more {
				continue
			}
			if line := strings.TrimSpace(whole); line != "" && line[0] != '#' && !yield(first, line) {
				return
			}
			whole, first = "", number+1
		}
	}
}
