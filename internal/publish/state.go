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

// The files of the state folder are found damaged too: a disk was full, a
// machine stopped, somebody tidied up. None of them may stop a build. A damaged
// one is told once, and made anew; one that a person may have put there gets
// another name.

// asideEnding ends the name of a file that is put aside.
const asideEnding = ".damaged"

var errNoFile = errors.New("it is no regular file")

// readState reads a file of the state folder. A link is not followed, and a
// pipe not waited for. Every error but fs.ErrNotExist says that it is damaged.
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

// ReadState gives a file of the state folder; nil when it is not there. The
// error says why it is damaged.
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

// putAside renames what is in the place of a file of ours. A file replaces one that
// was put aside before; a link, a pipe or a folder replaces nothing.
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

// makeRoom puts aside what is no regular file where one is to be written.
func makeRoom(files FS, path string, tell func(string)) error {
	info, err := files.Stat(path)
	if err != nil || info.Mode.IsRegular() {
		return nil // what cannot be looked at cannot be written either
	}
	to, err := putAside(files, path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	tell(fmt.Sprintf("%s is no regular file; it is kept as %s", path, to))
	return nil
}

// makeFolder makes a folder of the state, and puts aside what is none in its
// place.
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

func isNoFolder(files FS, path string) bool {
	info, err := files.Stat(path)
	return err == nil && !info.Mode.IsDir()
}

// WriteState locks a state folder, waiting for at most so long, and writes a
// small file there that need not outlive a stop of the machine.
func WriteState(ctx context.Context, files FS, path string, content []byte, wait time.Duration, tell func(string)) error {
	unlock, err := lockUntil(ctx, files, filepath.Dir(path), time.Now().Add(wait))
	if err != nil {
		return err
	}
	return errors.Join(overwrite(files, path, content, tell), unlock())
}

func overwrite(files FS, path string, content []byte, tell func(string)) error {
	if err := makeRoom(files, path, tell); err != nil {
		return err
	}
	return files.Overwrite(path, content)
}

// stagedName reports whether a name is that of a file which is being written, or
// was when its writer was stopped.
func stagedName(name string) bool {
	return strings.HasPrefix(name, stagedPrefix) || strings.HasPrefix(name, bridgePrefix)
}

// Leftovers reports whether a run that was stopped has left files in a state
// folder.
func Leftovers(files FS, state string) bool {
	names, err := files.Names(state)
	return err == nil && slices.ContainsFunc(names, stagedName)
}

// clean removes what runs that were stopped have left there. When it cannot, a
// run that has nothing to write goes on all the same.
func (p *publisher) clean() {
	folder := filepath.Dir(p.Outputs[0].Path)
	for _, dir := range []string{folder, p.State, filepath.Join(p.State, adoptedDir)} {
		names, err := p.FS.Names(dir)
		if err != nil {
			continue // a later write there says what is wrong
		}
		for _, name := range names {
			path := filepath.Join(dir, name)
			if stagedName(name) && !(dir == folder && p.ofAnother(path)) {
				p.sweep(path)
			}
		}
	}
	for _, out := range p.Outputs { // a shared one is elsewhere
		p.sweep(beside(out.Path))
		p.sweep(bridge(out.Path))
	}
	p.unclean = errors.Join(p.unclean, p.dropUnfinished())
}

// ofAnother reports whether a staged file of the output folder may be that of
// a command which takes no lock, such as diff --save: its name is a number.
func (p *publisher) ofAnother(path string) bool {
	number, ok := strings.CutPrefix(filepath.Base(path), stagedPrefix)
	info, err := p.FS.Stat(path)
	return ok && strings.Trim(number, "0123456789") == "" && err == nil && time.Since(info.ModTime) < time.Hour
}

// sweep removes a staged file, and leaves a folder of such a name alone: virtmap
// stages no folders.
func (p *publisher) sweep(path string) {
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
