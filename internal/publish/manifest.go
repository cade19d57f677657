package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mmap"
)

// A manifest says which bytes we wrote: a file that differs was changed by
// somebody else. While files are being renamed it lists the old and the new
// digest, so that a run that was stopped in between is not taken for a hand.
type manifest struct {
	Version int                 `json:"version"`
	Files   map[string][]string `json:"files"` // name -> SHA-256 of what we wrote
}

// key names a file in the manifest: without its folder, which may move.
func key(path string) string { return filepath.Base(path) }

// ManifestName is the file of the state folder that says what virtmap wrote.
const ManifestName = "manifest.json"

func digest(image *mmap.Image) string {
	sum := sha256.New()
	for piece := range image.Pieces() {
		sum.Write(piece)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (m *manifest) wrote(path, digest string) bool {
	return slices.Contains(m.Files[key(path)], digest)
}

// isOf reports whether what we wrote last are the files of a generation. A map
// may have been rebuilt of its text since.
func (m *manifest) isOf(g Meta) bool {
	for name, kept := range g.Files {
		if !kept.Stored {
			continue
		}
		if digests := m.Files[name]; len(digests) == 0 || digests[len(digests)-1] != kept.Digest {
			return false
		}
	}
	return true
}

// loadManifest reads the record of what we wrote. When the record is damaged or
// gone, which damage says, it is made anew of the last generation, and of one that
// was about to come into place.
func loadManifest(files FS, state string) (m manifest, damage, err error) {
	text, damage := readState(files, filepath.Join(state, ManifestName))
	if damage == nil {
		if m, damage = parseManifest(text); damage == nil {
			return m, nil, nil
		}
	}
	m = manifest{Version: 1, Files: map[string][]string{}}
	all, _, err := Generations(files, state)
	if err != nil {
		return m, damage, err
	}
	last := -1
	if len(all) > 0 {
		last = all[len(all)-1].Number
		m.add(all[len(all)-1])
	}
	parent := filepath.Join(state, generationsDir)
	names, err := generationNames(files, parent)
	for _, name := range names {
		number, named := generationNumber(strings.TrimPrefix(name, unfinishedPrefix))
		dir := filepath.Join(parent, name)
		if !named || number <= last || !isGeneration(files, dir) {
			continue
		}
		if g, err := parseMeta(files, dir); err == nil {
			m.add(g)
		} else {
			m.addCopies(files, dir)
		}
	}
	if len(m.Files) == 0 && errors.Is(damage, fs.ErrNotExist) {
		damage = nil // a first run
	}
	return m, damage, err
}

func parseManifest(text []byte) (m manifest, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if m.Version != 1 || m.Files == nil {
		return m, errors.New("it has no version, or no files")
	}
	for name, digests := range m.Files {
		if len(digests) == 0 {
			return m, fmt.Errorf("%q is there without a digest", name)
		}
	}
	return m, nil
}

// add takes the files of a generation for ours.
func (m *manifest) add(g Meta) {
	for name, kept := range g.Files {
		if kept.Bridge != "" {
			m.Files[name] = append(m.Files[name], kept.Bridge)
		}
		m.Files[name] = append(m.Files[name], kept.Digest)
	}
}

// addCopies takes the files for ours that a generation stores whose meta.json is
// damaged.
func (m *manifest) addCopies(files FS, dir string) {
	names, _ := files.Names(dir) // a folder that cannot be listed tells nothing
	for _, name := range names {
		sum, err := digestOf(files, filepath.Join(dir, name))
		if err == nil && name != metaName && sum != digest(mmap.Of(nil)) {
			m.Files[name] = append(m.Files[name], sum)
		}
	}
}

// readManifest reads the record of what we wrote. A damaged one is put aside, and
// written anew at once: without a record every file counts as made by hand.
func (p *publisher) readManifest() error {
	m, damage, err := loadManifest(p.FS, p.State)
	p.manifest = m
	if err != nil || damage == nil {
		return err
	}
	path := filepath.Join(p.State, ManifestName)
	if p.DryRun && errors.Is(damage, fs.ErrPermission) {
		return fmt.Errorf("%q: %w", path, damage) // the user who builds may read it
	}
	told := fmt.Sprintf("%s is damaged (%v)", path, damage)
	if errors.Is(damage, fs.ErrNotExist) {
		told = path + " is gone"
	} else if !p.DryRun {
		to, err := putAside(p.FS, path)
		if err != nil {
			return fmt.Errorf("%w: %s, and cannot be put aside: %w", ErrCreate, told, err)
		}
		told += "; it is kept as " + to
	}
	p.tell(told + "; the files of the last generation count as written by virtmap, and others as made by hand")
	if p.DryRun {
		return nil
	}
	return p.writeManifest()
}

// Wrote reports whether an installed file is what virtmap wrote there.
func Wrote(files FS, state, path string) bool {
	m, _, err := loadManifest(files, state)
	if err != nil {
		return false
	}
	sum, err := digestOf(files, path)
	return err == nil && m.wrote(path, sum)
}

// Known reports whether virtmap has written a set before, by its state folder.
func Known(files FS, state string) bool {
	m, damage, err := loadManifest(files, state)
	return err == nil && (len(m.Files) > 0 || damage == nil && exists(files, filepath.Join(state, ManifestName)))
}

func exists(files FS, path string) bool {
	_, err := files.Stat(path)
	return err == nil
}

// Copy gives the place of a copy of a text that virtmap wrote: of what it wrote
// last, where there is such a copy and it is sound, or else of the newest.
func Copy(files FS, state, name string) (path string, ok bool) {
	all, _, err := Generations(files, state)
	if err != nil {
		return "", false
	}
	m, _, err := loadManifest(files, state)
	if err != nil {
		return "", false
	}
	for _, last := range []bool{true, false} {
		for _, g := range slices.Backward(all) {
			if last && !m.wrote(name, g.Files[name].Digest) {
				continue
			}
			if _, err := g.Content(files, state, name); err == nil {
				return g.place(state, name), true
			}
		}
	}
	return "", false
}

// writeManifest writes the manifest; encoding/json sorts its keys.
func (p *publisher) writeManifest() error {
	text, err := json.MarshalIndent(p.manifest, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(p.State, ManifestName)
	old, err := readState(p.FS, path)
	if err == nil && string(old) == string(text)+"\n" {
		return nil
	}
	return p.writeState(path, append(text, '\n'))
}

// writeState writes a file of the state folder.
func (p *publisher) writeState(path string, content []byte) error {
	if err := makeRoom(p.FS, path, p.tell); err != nil {
		return err
	}
	if err := makeRoom(p.FS, beside(path), p.tell); err != nil {
		return err
	}
	if exists(p.FS, beside(path)) { // of a run that was killed
		if err := p.FS.Remove(beside(path)); err != nil {
			return fmt.Errorf("%w: %w", ErrCreate, err)
		}
	}
	err := p.write(beside(path), 0o600, func(f File) error { _, err := f.Write(content); return err })
	if err == nil {
		err = p.FS.Rename(beside(path), path)
	}
	if err != nil {
		_ = p.FS.Remove(beside(path)) // the error that led here is the one to report
		return err
	}
	return p.FS.SyncDir(filepath.Dir(path))
}
