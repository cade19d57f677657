package inventory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"virtmap/internal/diag"
	"virtmap/internal/parallel"
)

// leastFiles is the number of included files for which another processor pays.
const leastFiles = 16

// include reads the included files: first all texts in parallel, then their contents.
func (r *reader) include(files []string) error {
	texts, err := r.readFiles(files)
	if errors.Is(err, errTooLarge) {
		src, err := r.model.Sources.Add(r.overflowing(files), "")
		if err == nil {
			r.tooLarge(src.Pos(0))
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("included file: %w", err)
	}
	sources := make([]*diag.Source, len(files))
	anchors := false
	for i, file := range files {
		if sources[i], err = r.model.Sources.Add(file, texts[i]); err != nil {
			return err
		}
		anchors = anchors || hasAnchors(sources[i])
	}
	least := leastFiles
	if anchors {
		least = len(files) + 1
	}
	r.share(len(files), least, func(r *reader, from, to int) {
		for _, src := range sources[from:to] {
			r.included(src)
		}
	})
	return nil
}

// overflowing returns the first file with which the inventory has too many bytes.
func (r *reader) overflowing(files []string) string {
	left := int64(MaxBytes - r.bytes)
	for _, file := range files[:len(files)-1] {
		if info, err := os.Stat(file); err == nil {
			left -= info.Size()
		}
		if left < 0 {
			return file
		}
	}
	return files[len(files)-1]
}

// readFiles reads files in parallel. Their bytes count together.
func (r *reader) readFiles(files []string) ([]string, error) {
	texts := make([]string, len(files))
	var left atomic.Int64
	left.Store(int64(MaxBytes - r.bytes))
	err := parallel.Ranges(len(files), leastFiles, func(_, from, to int) error {
		for i := from; i < to; i++ {
			text, given := r.texts[files[i]]
			var err error
			if !given {
				text, err = readAtMost(files[i], max(0, left.Load()))
			}
			if err == nil && left.Add(-int64(len(text))) < 0 {
				err = errTooLarge
			}
			if err != nil {
				return err
			}
			texts[i] = text
		}
		return nil
	})
	return texts, err
}

// includedFiles returns the files that the include patterns of the top file match. A
// pattern is relative to the folder of that file. The files are in the order of the
// patterns, and sorted within a pattern. A file that two patterns match is read once. A
// file outside the fence is a fault.
func (r *reader) includedFiles(top string) (files []string, err error) {
	folder := "."
	seen := map[fileID]bool{}
	var itself fileID
	if top != StdinName {
		folder = filepath.Dir(top)
		itself, _ = identify(top)
	}
	var within fence
	if len(r.includes)+len(r.includeFrom) > 0 {
		if within, err = newFence(folder, r.includeFrom); err != nil {
			return nil, err
		}
	}
	for _, pattern := range r.includes {
		full := filepath.Clean(pattern.Text)
		fixed := fixedPart(pattern.Text)
		if !filepath.IsAbs(full) {
			full, fixed = filepath.Join(globQuote.Replace(folder), full), filepath.Join(folder, fixed)
		}
		r.model.Includes = append(r.model.Includes, full)
		if !within.holds(fixed) {
			r.outside(pattern, folder, "if it is to be read, run virtmap with --include-from "+fixed)
			continue
		}
		for _, match := range r.matches(pattern, full, folder) {
			if !within.holds(match) {
				r.outside(pattern, folder, "a link leads there; if it is to be read, run virtmap with --include-from and the folder behind the link")
				break
			}
			id, isDir := identify(match)
			switch {
			case id == itself && id.known:
				r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches the inventory itself", pattern.Text).
					WithHelp("put the included files into a folder of their own, such as domains/*.yaml"))
			case isDir:
				r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches the folder %q", pattern.Text, match).
					WithHelp("name the files in it: %s/*.yaml", strings.TrimSuffix(pattern.Text, "/")))
			case !seen[id]:
				files = append(files, match)
				seen[id] = id.known // a file without id cannot be read, which is reported later
			}
		}
	}
	return files, nil
}

// outside reports a pattern that leads out of the folder of the inventory.
func (r *reader) outside(pattern Name, folder, help string) {
	r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q leads outside the folder of the inventory, %q", pattern.Text, folder).
		WithHelp("%s", help))
}

// matches returns the files that a pattern matches.
func (r *reader) matches(pattern Name, full, folder string) []string {
	matches, err := filepath.Glob(full)
	switch {
	case err != nil:
		r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q is malformed", pattern.Text).
			WithHelp("a pattern is a path with *, ? and [a-z]"))
	case len(matches) == 0:
		r.fault(checkInclude.At(pattern.Pos, len(pattern.Text), "include pattern %q matches no file", pattern.Text).
			WithHelp("the pattern is relative to the folder of the inventory, %q", folder))
	}
	return matches
}

// globQuote quotes the characters of a folder's name that have a meaning in patterns.
var globQuote = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)

// A fileID identifies a file under any of its names.
type fileID struct {
	device, inode uint64
	known         bool
}

func identify(path string) (id fileID, isDir bool) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, false
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		id = fileID{uint64(stat.Dev), uint64(stat.Ino), true}
	}
	return id, info.IsDir()
}
