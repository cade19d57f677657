package inventory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A fence keeps included files within some folders: the folder of the inventory, and
// those of --include-from. The author of an inventory, such as the author of a merge
// request, may be another person than the one who checks it, and must not read that
// person's files.
//
// Each match of a pattern is followed through all links, in its name and in the folders
// above, to the real file. This file must be below one of the folders, whose links are
// followed too. A link to a file within the folders is allowed. A pattern that begins
// in a folder outside is not looked up. A file outside is neither opened nor named in a
// message.
type fence []string // real paths

// newFence returns the fence around some folders.
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

// beFolder returns an error if a path is not a folder.
func beFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return errors.New("it is no folder")
	}
	return err
}

// realPath returns the absolute path without links.
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

// holds reports whether the file of a path is within the fence. If the file is not
// there, the nearest folder above it counts.
func (f fence) holds(path string) bool {
	for {
		real, err := realPath(path)
		if err == nil {
			return f.surrounds(real)
		}
		if _, err := os.Lstat(path); err == nil {
			return false // a link to a missing file, or a circle of links
		}
		parent := filepath.Dir(path)
		if parent == path {
			return false
		}
		path = parent
	}
}

// surrounds reports whether a path without links is within the fence.
func (f fence) surrounds(real string) bool {
	return slices.ContainsFunc(f, func(folder string) bool {
		rel, err := filepath.Rel(folder, real)
		return err == nil && filepath.IsLocal(rel)
	})
}

// fixedPart returns the folder in which a pattern begins to match: the part before the
// first *, ? or [, without its last name.
func fixedPart(pattern string) string {
	pattern = filepath.Clean(pattern)
	if at := strings.IndexAny(pattern, "*?[\\"); at >= 0 {
		pattern = pattern[:at]
	}
	dir, _ := filepath.Split(pattern)
	return filepath.Clean(dir)
}
