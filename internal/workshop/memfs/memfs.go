// Package memfs is a file system in memory, for the tests of package publish. It
// counts the calls that change something. One call can fail, and the process can die
// with it. After that Stop stops the machine, and names and bytes that were not
// synced are lost:
//
//	files := memfs.New()
//	files.FailAt, files.Dies = 7, true
//	_, err := publish.Publish(ctx, set) // set.FS is files
//	files.Stop(false)
package memfs

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mmap"
	"virtmap/internal/publish"
)

// FS is a file system. Its clock advances by a minute with every counted call.
type FS struct {
	// FailAt is the number of the call that fails with Err, or 0 for none. With
	// Dies, this call and all later ones fail with ErrDead.
	FailAt int
	Err    error
	Dies   bool

	Calls int // number of calls so far

	dirs  map[string]*dir
	clock time.Time
}

// ErrDead is the error of every call after the process has died.
var ErrDead = errors.New("the process is dead")

// A dir has the names of a folder now, and those that a stop of the machine leaves.
type dir struct{ now, synced map[string]*file }

// New makes a file system with an empty root.
func New() *FS {
	return &FS{dirs: map[string]*dir{"/": newDir()}, clock: time.Unix(1_000_000_000, 0)}
}

func newDir() *dir { return &dir{map[string]*file{}, map[string]*file{}} }

// touch sets the time of the inode.
func (f *FS) touch(file *file) { file.info.Changed = f.clock }

// step counts a call, and fails if this call must fail.
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

// lookup finds a file and its folder. Each is nil when it does not exist.
func (f *FS) lookup(name string) (*dir, *file) {
	d := f.dirs[path.Dir(name)]
	if d == nil {
		return nil, nil
	}
	return d, d.now[path.Base(name)]
}

func notExist(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }

// Stat describes a file or a folder.
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

// ReadFile returns the content of a file.
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

// Damage replaces the content of a file, or removes the file when content is nil. The
// change lasts, the file has another inode then, and the call is not counted.
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

// Image returns an image of the content of a file.
func (f *FS) Image(name string) (*mmap.Image, error) {
	content, err := f.ReadFile(name)
	return mmap.Of(content), err
}

// Create makes a file. It fails when the file exists.
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

// Overwrite replaces a file in one call.
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

// Rename renames a file or a folder.
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

// MkdirAll makes folders. A folder lasts at once, its names only after SyncDir.
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

// SyncDir makes the names of a folder survive a stop of the machine.
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

// Hold opens a file that will be replaced.
func (f *FS) Hold(name string, _ time.Duration) (publish.Held, error) {
	_, file := f.lookup(name)
	if file == nil {
		return nil, notExist("open", name)
	}
	return held{f, file}, nil
}

// Names lists a folder in sorted order.
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

// Stop stops the machine and starts it again. Names and bytes that were not synced
// are lost. With keepNames only the bytes are lost, as in many file systems, which
// write names first.
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
