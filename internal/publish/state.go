package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file of the state folder may be damaged: after a full disk, a stop of the
// machine or an edit by hand. A damaged file must not stop a build. It is
// reported once and made anew; a file that a person may have made gets another
// name.

// asideEnding is the end of the name of a file that was put aside.
const asideEnding = ".damaged"

var errNoFile = errors.New("it is no regular file")

// readState reads a file of the state folder. It does not follow a link or wait
// for a pipe. Any error but fs.ErrNotExist means that the file is damaged.
func readState(files FS, path string) ([]byte, error) {
	info, err := files.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode.IsRegular() {
		return nil, errNoFile
	}
	return files.ReadFile(path)
}

// ReadState returns the content of a file of the state folder, or nil when there
// is no such file. An error means that the file is damaged.
func ReadState(files FS, path string) ([]byte, error) {
	text, err := readState(files, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && len(text) == 0 {
		err = errEmpty
	}
	return text, err
}

var errEmpty = errors.New("it is empty")

// putAside renames a damaged file, or whatever else is at its path. A file
// replaces a file that was put aside before. A link, a pipe or a folder gets a
// free name.
func putAside(files FS, path string) (to string, err error) {
	info, err := files.Stat(path)
	if err != nil {
		return "", err
	}
	to = path + asideEnding
	for n := 2; ; n++ {
		old, err := files.Stat(to)
		if err != nil || info.Mode.IsRegular() && old.Mode.IsRegular() {
			break
		}
		to = fmt.Sprintf("%s%s.%d", path, asideEnding, n)
	}
	return to, files.Rename(path, to)
}

// makeRoom puts aside a folder, link or device at the path of a file that is to
// be written. At the path of a file of a build that was killed it is removed, unless it is
// a folder with files.
func makeRoom(files FS, path string, tell func(string)) error {
	info, err := files.Stat(path)
	if err != nil || info.Mode.IsRegular() {
		return nil // after an error of Stat, the write reports an error too
	}
	if strings.HasPrefix(filepath.Base(path), stagedPrefix) && files.Remove(path) == nil {
		return nil
	}
	to, err := putAside(files, path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	tell(fmt.Sprintf("%s is no regular file; it is kept as %s", path, to))
	return nil
}

// makeFolder makes a folder of the state. A file at its path is put aside.
func makeFolder(files FS, path string, mode fs.FileMode, tell func(string)) error {
	err := files.MkdirAll(path, mode)
	if err != nil && isNoFolder(files, path) {
		var to string
		if to, err = putAside(files, path); err == nil {
			tell(fmt.Sprintf("%s is no folder; it is kept as %s", path, to))
			err = files.MkdirAll(path, mode)
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	return nil
}

// isNoFolder reports whether a path is there and is no folder.
func isNoFolder(files FS, path string) bool {
	info, err := files.Stat(path)
	return err == nil && !info.Mode.IsDir()
}

// WriteState locks a state folder and writes a small file there. It waits no
// longer than wait for the lock. It does not sync: the file may be gone after a
// stop of the machine.
func WriteState(ctx context.Context, files FS, path string, content []byte, wait time.Duration, tell func(string)) error {
	unlock, err := lockUntil(ctx, files, filepath.Dir(path), time.Now().Add(wait))
	if err != nil {
		return err
	}
	return errors.Join(overwrite(files, path, content, tell), unlock())
}

// overwrite writes a file of the state folder without a sync.
func overwrite(files FS, path string, content []byte, tell func(string)) error {
	if err := makeRoom(files, path, tell); err != nil {
		return err
	}
	return files.Overwrite(path, content)
}

// stagedName reports whether a name is that of a staged file.
func stagedName(name string) bool {
	return strings.HasPrefix(name, stagedPrefix) || strings.HasPrefix(name, bridgePrefix)
}

// Leftovers reports whether a run that was stopped has left staged files in a
// state folder.
func Leftovers(files FS, state string) bool {
	names, err := files.Names(state)
	return err == nil && slices.ContainsFunc(names, stagedName)
}

// clean removes the staged files that earlier runs left. An error is kept in
// p.unclean, and stops only a run that has something to write.
func (p *publisher) clean() {
	folder := filepath.Dir(p.Outputs[0].Path)
	for _, dir := range []string{folder, p.State, filepath.Join(p.State, adoptedDir)} {
		names, err := p.FS.Names(dir)
		if err != nil {
			continue // a later write to the folder reports what is wrong
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			if stagedName(name) && !(dir == folder && p.isTemporary(path)) {
				p.removeStaged(path)
			}
		}
	}
	for _, out := range p.Outputs { // a Shared output may be in another folder
		p.removeStaged(beside(out.Path))
		p.removeStaged(bridge(out.Path))
	}
	p.unclean = errors.Join(p.unclean, p.dropUnfinished())
}

// isTemporary reports whether a staged file of the output folder may belong to a
// command that is at work without a lock, such as diff --save. The name of such
// a file is a number, and the file is less than an hour old.
func (p *publisher) isTemporary(path string) bool {
	number, ok := strings.CutPrefix(filepath.Base(path), stagedPrefix)
	info, err := p.FS.Stat(path)
	return ok && strings.Trim(number, "0123456789") == "" && err == nil && time.Since(info.ModTime) < time.Hour
}

// removeStaged removes a staged file. It leaves a folder with such a name alone,
// because virtmap stages no folders.
func (p *publisher) removeStaged(path string) {
	info, err := p.FS.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode.IsDir() {
		return
	}
	if err == nil {
		err = p.FS.Remove(path)
	}
	if err != nil {
		p.unclean = errors.Join(p.unclean, fmt.Errorf("%w: %w", ErrCreate, err))
	}
}

// writeRecords writes p.Records to the state folder.
func (p *publisher) writeRecords() error {
	for _, record := range p.Records {
		path := filepath.Join(p.State, record.Name)
		if record.Aside && exists(p.FS, path) {
			if _, err := putAside(p.FS, path); err != nil {
				return fmt.Errorf("%w: %w", ErrRecord, err)
			}
		}
		if err := p.writeState(path, record.Content); err != nil {
			return fmt.Errorf("%w: %w", ErrRecord, err)
		}
	}
	return nil
}
