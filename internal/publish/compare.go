package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"virtmap/internal/mmap"
)

// compare finds the outputs that must be written. Without Adopt it refuses to
// replace files that a person made.
func (p *publisher) compare() error {
	var foreign Foreign
	for _, out := range p.Outputs {
		info, err := p.FS.Stat(out.Path)
		if errors.Is(err, fs.ErrNotExist) {
			if _, known := p.manifest.Files[key(out.Path)]; known || !out.IfKnown {
				p.add(staged{out: out, info: Info{Mode: out.Mode, UID: out.UID, GID: -1}, change: Change{Path: out.Path, New: true}})
			}
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode.IsRegular() {
			return fmt.Errorf("%q %w", out.Path, ErrNotFile)
		}
		if err := p.compareInstalled(out, info, &foreign); err != nil {
			return err
		}
	}
	if foreign.Files != nil && !p.Adopt {
		return &foreign
	}
	return nil
}

// compareInstalled compares an output with the installed file. A file that is
// cut short meanwhile is read a second time. When that fails too, the disk
// cannot read it: the file is damaged, and is made anew if virtmap wrote it.
func (p *publisher) compareInstalled(out Output, info Info, foreign *Foreign) (err error) {
	if p.compareSeen(out, info) {
		return nil
	}
	for range 2 {
		err = p.image(out.Path, func(image *mmap.Image) error { return p.compareOne(out, info, image, foreign) })
		if !errors.Is(err, mmap.ErrCut) {
			return err
		}
	}
	if out.Shared || !p.recorded(out) {
		return err
	}
	s := staged{out: out, info: info, change: Change{Path: out.Path, Damage: mmap.ErrCut.Error()}}
	s.bridge = p.bridgeOf(out, mmap.Of(nil), true)
	p.damaged[out.Path] = true
	p.add(s)
	return nil
}

// compareOne compares an output with the content of the installed file.
func (p *publisher) compareOne(out Output, info Info, image *mmap.Image, foreign *Foreign) error {
	if out.Same(image) {
		p.keep(out, info, image)
		return nil
	}
	if out.Shared && !image.Equal(out.Base) {
		return fmt.Errorf("%q %w", out.Path, ErrChanged)
	}
	s := staged{out: out, info: info, change: Change{Path: out.Path, Alike: out.Alike != nil && out.Alike(image)}}
	ours := !out.Shared && p.ours(out, image)
	var damage string
	if !out.Shared && !ours {
		damage = p.damage(out, image)
	}
	damaged := damage != ""
	p.damaged[out.Path] = damaged
	if !out.Hold {
		s.bridge = p.bridgeOf(out, image, damaged)
	}
	switch {
	case out.Shared:
		s.change.Lost = out.Lost(image)
	case ours:
	case damaged && p.recorded(out):
		s.change.Damage = damage
		if p.worthKeeping(out, image) {
			s.foreign, s.change.Kept = bytes.Clone(image.Bytes), p.keptName(key(out.Path))
		}
	default:
		s.change.Lost, s.foreign = out.Lost(image), bytes.Clone(image.Bytes)
		s.change.Kept = p.keptName(key(out.Path))
		foreign.Files = append(foreign.Files, s.change)
	}
	p.add(s)
	return nil
}

// add adds an output that differs to the list of those that are written or held.
func (p *publisher) add(s staged) {
	if s.out.Hold {
		p.held = append(p.held, s)
		return
	}
	p.pending = append(p.pending, s)
}

// keep records a file that stays as it is. A map that is older than its text gets
// a new time later, because the tools of the system would rebuild the map.
func (p *publisher) keep(out Output, info Info, image *mmap.Image) {
	if !out.Shared {
		p.manifest.Files[key(out.Path)] = []string{p.digest(out.Path, image)}
		p.kept(out, info)
	}
	p.keepTime(out, info)
}

// keepTime notes that a map is older than its text.
func (p *publisher) keepTime(out Output, info Info) {
	if out.Source == "" {
		return
	}
	text, err := p.FS.Stat(out.Source)
	changes := slices.ContainsFunc(p.pending, func(s staged) bool { return s.out.Path == out.Source })
	if changes || err == nil && text.ModTime.After(info.ModTime) {
		p.touched = append(p.touched, out.Path)
	}
}

// ours reports whether virtmap wrote an installed file, or the text from which
// an installed map was made.
func (p *publisher) ours(out Output, image *mmap.Image) bool {
	if p.manifest.wrote(out.Path, p.digest(out.Path, image)) {
		return true
	}
	if out.Rebuilt == nil || len(p.manifest.Files[key(out.Source)]) == 0 {
		return false
	}
	return out.Rebuilt(image, func(path string) ([]byte, error) {
		text, err := p.FS.ReadFile(path)
		if err == nil && !p.manifest.wrote(path, digest(mmap.Of(text))) {
			return nil, fmt.Errorf("%q was changed", path)
		}
		return text, err
	})
}

// digest returns the digest of an installed file. It computes the digest once.
func (p *publisher) digest(path string, image *mmap.Image) string {
	sum, ok := p.digests[path]
	if !ok {
		sum = digest(image)
		p.digests[path] = sum
	}
	return sum
}

// image calls read with the content of a file.
func (p *publisher) image(path string, read func(*mmap.Image) error) error {
	return readImage(p.FS, path, func(image *mmap.Image) error {
		p.count(len(image.Bytes))
		return read(image)
	})
}

// readImage calls read with the content of a file, under mmap.Guard.
func readImage(files FS, path string, read func(*mmap.Image) error) error {
	image, err := files.Image(path)
	if err != nil {
		return err
	}
	err = mmap.Guard(func() error { return read(image) })
	if errors.Is(err, mmap.ErrCut) {
		err = fmt.Errorf("%q: %w", path, err)
	}
	return errors.Join(err, image.Close())
}

// digestOf returns the digest of the file at a path.
func digestOf(files FS, path string) (sum string, err error) {
	err = readImage(files, path, func(image *mmap.Image) error {
		sum = digest(image)
		return nil
	})
	return sum, err
}

// stale lists files that virtmap wrote, and that the set no longer has.
func (p *publisher) stale() []string {
	var stale []string
	for name := range p.manifest.Files {
		listed := slices.ContainsFunc(p.Outputs, func(o Output) bool { return key(o.Path) == name })
		path := filepath.Join(filepath.Dir(p.Outputs[0].Path), name)
		if _, err := p.FS.Stat(path); !listed && err == nil {
			stale = append(stale, path)
		}
	}
	slices.Sort(stale)
	return stale
}

// adoptedDir is the folder where files that a person made are kept.
const adoptedDir = "adopted"

// keptName returns a free path in that folder for a file with this name.
func (p *publisher) keptName(name string) string {
	path := filepath.Join(p.State, adoptedDir, name)
	for n := 2; ; n++ {
		if _, err := p.FS.Stat(path); err != nil {
			return path
		}
		path = filepath.Join(p.State, adoptedDir, fmt.Sprintf("%s.%d", name, n))
	}
}

// takesOver reports whether a file that a person made is to be replaced later.
func (p *publisher) takesOver() bool {
	return slices.ContainsFunc(p.held, func(s staged) bool { return s.foreign != nil })
}

// at returns where the new content of a path is: the staged file, or the path
// itself when it stays as it is.
func (p *publisher) at(path string) string {
	if slices.ContainsFunc(p.pending, func(s staged) bool { return s.out.Path == path }) {
		return beside(path)
	}
	return path
}
