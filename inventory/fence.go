package inventory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A fence keeps what is included within folders: that of the inventory, and
// those that the person at the prompt named. An inventory may come from
// somebody who must not read the files of whoever checks it, such as the author
// of a merge request.
//
// Each match of a pattern is followed to the file that it leads to, through all
// links, in its name and in the folders above it; that file must lie below one
// of the folders, whose own links are followed too. A link to a file within is
// fine. A pattern that begins in a folder outside is not looked up at all, and
// what lies outside is neither opened nor named in a message.
type fence []string // real paths

// newFence gives the fence around folders.
func newFence(folder string, others []string) (fence, error) {
	var f fence
	for i, dir := range append([]string{folder}, others...) {
		real, err := realPath(dir)
		if err == nil && i > 0 {
			err = beFolder(real)
		}
		if err != nil && i > 0 {
			return nil, fmt.Errorf("--include-from %q: %w", dir, plainPathError(err))
		}
		if err != nil {
			return nil, plainPathError(err)
		}
		f = append(f, real)
	}
	return f, nil
}

// beFolder makes sure that a path is a folder.
func beFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return errors.New("it is no folder")
	}
	return err
}

// realPath is the absolute path without links.
func realPath(path string) (string, error) {
	if path == "" {
		return "", errors.New("it is empty") // EvalSymlinks takes it for the working folder
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// holds reports whether a path leads to what lies within. Of a path that is not
// there the nearest folder above counts.
func (f fence) holds(path string) bool {
	for {
		real, err := realPath(path)
		if err == nil {
			return f.surrounds(real)
		}
		if _, err := os.Lstat(path); err == nil {
			return false // a link to nowhere, or in a circle
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}

// surrounds reports whether a path without links lies within.
func (f fence) surrounds(real string) bool {
	return slices.ContainsFunc(f, func(folder string) bool {
		rel, err := filepath.Rel(folder, real)
		return err == nil && filepath.IsLocal(rel)
	})
}

// fixedPart is the folder in which a pattern begins to match: what stands before
// the first *, ? or [, without its last name.
func fixedPart(pattern string) string {
	pattern = filepath.Clean(pattern)
	if at := strings.IndexAny(pattern, "*?[\\"); at >= 0 {
		pattern = pattern[:at]
	}
	dir, _ := filepath.Split(pattern)
	return filepath.Clean(dir)
}
