// Package memfs is a file system in memory for the tests of publishing. It
// counts the calls that change something; one of them can fail, or be the
// last the process makes. Then the machine may stop: what was not synced is
// forgotten.
package memfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mmap"
	"virtmap/internal/publish"
)

// FS is a file system. Its times move by a minute with every change.
type FS struct {
	// FailAt is the number of the call that fails with Err, 0 for none. With
	// Dies all that follow fail too.
	FailAt int
	Err    error
	Dies   bool

	Calls int // made so far

	dirs  map[string]*dir
	clock time.Time
}

// ErrDead is what every call returns after the process has died.
var ErrDead = errors.New("the process is dead")

// A dir has names, and those that a stop of the machine would leave.
type dir struct{ now, synced map[string]*file }

// A file is an inode.
type file struct {
	content, synced []byte
	info            publish.Info
	number          uint64
}

// New makes a file system with an empty root.
func New() *FS {
	return &FS{dirs: map[string]*dir{"/": newDir()}, clock: time.Unix(1_000_000_000, 0)}
}

func newDir() *dir { return &dir{map[string]*file{}, map[string]*file{}} }

// touch moves the time of an inode.
func (f *FS) touch(file *file) { file.info.Changed = f.clock }

// step counts a call, and fails where that was asked for.
func (f *FS) step() error {
	f.Calls++
	f.clock = f.clock.Add(time.Minute)
	switch {
	case f.FailAt == 0 || f.Calls < f.FailAt:
		return nil
	case f.Dies:
		return ErrDead
	case f.Calls == f.FailAt:
		return f.Err
	}
	return nil
}

func (f *FS) lookup(name string) (*dir, *file) {
	d := f.dirs[path.Dir(name)]
	if d == nil {
		return nil, nil
	}
	return d, d.now[path.Base(name)]
}

func notExist(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// Stat describes a file; a folder too.
func (f *FS) Stat(name string) (publish.Info, error) {
	if f.dirs[name] != nil {
		return publish.Info{Mode: fs.ModeDir | 0o755}, nil
	}
	_, file := f.lookup(name)
	if file == nil {
		return publish.Info{}, notExist("stat", name)
	}
	info := file.info
	info.Size, info.Inode = int64(len(file.content)), file.number
	return info, nil
}

// ReadFile gives the content of a file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	_, file := f.lookup(name)
	if file == nil {
		return nil, notExist("open", name)
	}
	return slices.Clone(file.content), nil
}

// Files lists every file, sorted.
func (f *FS) Files() (all []string) {
	for folder, d := range f.dirs {
		for name := range d.now {
			all = append(all, path.Join(folder, name))
		}
	}
	slices.Sort(all)
	return all
}

// Damage gives a file another content, or removes it when content is nil, as an
// accident does: that lasts, has another inode, and counts as no call.
func (f *FS) Damage(name string, content []byte) {
	d, there := f.lookup(name)
	if there == nil {
		return
	}
	f.clock = f.clock.Add(time.Minute)
	delete(d.now, path.Base(name))
	delete(d.synced, path.Base(name))
	if content != nil {
		info := there.info
		info.ModTime, info.Changed = f.clock, f.clock
		damaged := &file{content: content, synced: slices.Clone(content), info: info, number: uint64(f.clock.Unix())}
		d.now[path.Base(name)], d.synced[path.Base(name)] = damaged, damaged
	}
}

// Image gives the content of a file.
func (f *FS) Image(name string) (*mmap.Image, error) {
	content, err := f.ReadFile(name)
	return mmap.Of(content), err
}

// Create makes a file that must not be there.
func (f *FS) Create(name string, mode fs.FileMode) (publish.File, error) {
	if err := f.step(); err != nil {
		return nil, err
	}
	d, there := f.lookup(name)
	switch {
	case d == nil:
		return nil, notExist("create", name)
	case there != nil:
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	made := &file{info: publish.Info{Mode: mode, ModTime: f.clock, Changed: f.clock}, number: uint64(f.clock.Unix())}
	d.now[path.Base(name)] = made
	return &open{f: f, file: made}, nil
}

// Overwrite writes a file at once.
func (f *FS) Overwrite(name string, content []byte) error {
	if err := f.step(); err != nil {
		return err
	}
	d, _ := f.lookup(name)
	if d == nil {
		return notExist("open", name)
	}
	d.now[path.Base(name)] = &file{content: slices.Clone(content), info: publish.Info{Mode: 0o644, ModTime: f.clock, Changed: f.clock}, number: uint64(f.clock.Unix())}
	return nil
}

// Rename gives a file or a folder another name.
func (f *FS) Rename(from, to string) error {
	if err := f.step(); err != nil {
		return err
	}
	if f.dirs[from] != nil {
		for name, d := range f.dirs {
			if below, ok := strings.CutPrefix(name, from); ok && (below == "" || below[0] == '/') {
				delete(f.dirs, name)
				f.dirs[to+below] = d
			}
		}
		return nil
	}
	d, moved := f.lookup(from)
	target, _ := f.lookup(to)
	if moved == nil || target == nil {
		return notExist("rename", from)
	}
	delete(d.now, path.Base(from))
	target.now[path.Base(to)] = moved
	f.touch(moved)
	return nil
}

// Remove removes a file.
func (f *FS) Remove(name string) error {
	d, there := f.lookup(name)
	if there == nil {
		return notExist("remove", name)
	}
	if err := f.step(); err != nil {
		return err
	}
	delete(d.now, path.Base(name))
	return nil
}

// RemoveAll removes a folder.
func (f *FS) RemoveAll(folder string) error {
	if err := f.step(); err != nil {
		return err
	}
	for name := range f.dirs {
		if name == folder || strings.HasPrefix(name, folder+"/") {
			delete(f.dirs, name)
		}
	}
	return nil
}

// MkdirAll makes folders. They last at once: what is in them need not.
func (f *FS) MkdirAll(name string, _ fs.FileMode) error {
	if f.dirs[name] != nil {
		return nil
	}
	if err := f.step(); err != nil {
		return err
	}
	for ; f.dirs[name] == nil; name = path.Dir(name) {
		f.dirs[name] = newDir()
	}
	return nil
}

// SyncDir makes the names of a folder last.
func (f *FS) SyncDir(name string) error {
	if err := f.step(); err != nil {
		return err
	}
	d := f.dirs[name]
	d.synced = map[string]*file{}
	for name, file := range d.now {
		d.synced[name] = file
	}
	return nil
}

// Touch sets the time of a file.
func (f *FS) Touch(name string, mtime time.Time) error {
	if err := f.step(); err != nil {
		return err
	}
	_, file := f.lookup(name)
	file.info.ModTime = mtime
	f.touch(file)
	return nil
}

// Lock never waits.
func (f *FS) Lock(string) (func() error, error) { return func() error { return nil }, nil }

// Hold keeps an inode.
func (f *FS) Hold(name string, _ time.Duration) (publish.Held, error) {
	_, file := f.lookup(name)
	if file == nil {
		return nil, notExist("open", name)
	}
	return held{f, file}, nil
}

// Names lists a folder.
func (f *FS) Names(folder string) ([]string, error) {
	var names []string
	if d := f.dirs[folder]; d != nil {
		for name := range d.now {
			names = append(names, name)
		}
	}
	for name := range f.dirs {
		if path.Dir(name) == folder && name != folder {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Stop stops the machine and starts it again: names and bytes that were not
// synced are gone. With keepNames only the bytes are: many file systems write
// names first.
func (f *FS) Stop(keepNames bool) {
	f.FailAt, f.Calls = 0, 0
	for _, d := range f.dirs {
		if !keepNames {
			d.now = map[string]*file{}
			for name, file := range d.synced {
				d.now[name] = file
			}
		}
		for _, file := range d.now {
			file.content = slices.Clone(file.synced)
		}
	}
}

type held struct {
	f    *FS
	file *file
}

func (h held) Touch(mtime time.Time) error {
	if err := h.f.step(); err != nil {
		return err
	}
	h.file.info.ModTime = mtime
	h.f.touch(h.file)
	return nil
}

func (h held) Close() error { return nil }

// open is a file that is being written.
type open struct {
	f    *FS
	file *file
	at   int64
}

func (o *open) Write(p []byte) (int, error) {
	if err := o.f.step(); err != nil {
		return 0, err
	}
	if end := o.at + int64(len(p)); end > int64(len(o.file.content)) {
		o.file.content = append(o.file.content, make([]byte, end-int64(len(o.file.content)))...)
	}
	o.at += int64(copy(o.file.content[o.at:], p))
	o.f.touch(o.file)
	return len(p), nil
}

func (o *open) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.at
	case io.SeekEnd:
		offset += int64(len(o.file.content))
	}
	o.at = offset
	return offset, nil
}

func (o *open) Chown(uid, gid int) error {
	o.file.info.UID, o.file.info.GID = uid, gid
	o.f.touch(o.file)
	return o.f.step()
}

func (o *open) Chmod(mode fs.FileMode) error {
	o.file.info.Mode = mode
	o.f.touch(o.file)
	return o.f.step()
}

func (o *open) Label(string) error { return o.f.step() }

func (o *open) Sync() error {
	if err := o.f.step(); err != nil {
		return err
	}
	o.file.synced = slices.Clone(o.file.content)
	return nil
}

func (o *open) Close() error { return nil }
