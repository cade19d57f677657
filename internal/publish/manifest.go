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

// A manifest has the digests of the files that virtmap wrote. An installed file
// with another digest was changed by a person or another program. During the
// renames the manifest has the old and the new digest of each file, so that the
// files of a run that was stopped do not count as changed.
type manifest struct {
	Version int                 `json:"version"`
	Files   map[string][]string `json:"files"` // by name of the file: SHA-256 of what virtmap wrote, the newest last
}

// key is the name of a file in the manifest. It has no folder, because the folder
// may be renamed.
func key(path string) string { return filepath.Base(path) }

// ManifestName is the name of the manifest in the state folder.
const ManifestName = "manifest.json"

// digest returns the SHA-256 of a file, in hexadecimal.
func digest(image *mmap.Image) string {
	sum := sha256.New()
	for piece := range image.Pieces() {
		sum.Write(piece)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// wrote reports whether virtmap wrote a file with this digest at the path.
func (m *manifest) wrote(path, digest string) bool {
	return slices.Contains(m.Files[key(path)], digest)
}

// isOf reports whether the manifest has the files of a generation as the newest.
// Maps are not compared: the system may have rebuilt them from their texts.
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

// loadManifest reads the manifest. When the manifest is damaged or missing,
// loadManifest makes one from the last generation and from unfinished later
// ones, and returns the reason as damage.
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

// parseManifest parses the text of a manifest.
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

// add adds the files of a generation.
func (m *manifest) add(g Meta) {
	for name, kept := range g.Files {
		if kept.Bridge != "" {
			m.Files[name] = append(m.Files[name], kept.Bridge)
		}
		m.Files[name] = append(m.Files[name], kept.Digest)
	}
}

// addCopies adds the copies in the folder of a generation whose meta.json is
// damaged.
func (m *manifest) addCopies(files FS, dir string) {
	names, _ := files.Names(dir) // a folder that cannot be listed has nothing to add
	for _, name := range names {
		sum, err := digestOf(files, filepath.Join(dir, name))
		if err == nil && name != metaName && sum != digest(mmap.Of(nil)) {
			m.Files[name] = append(m.Files[name], sum)
		}
	}
}

// readManifest reads the manifest. A damaged manifest is put aside, and a new one
// is written at once: without a manifest every file counts as made by hand.
func (p *publisher) readManifest() error {
	m, damage, err := loadManifest(p.FS, p.State)
	p.manifest = m
	if err != nil || damage == nil {
		return err
	}
	path := filepath.Join(p.State, ManifestName)
	if p.DryRun && errors.Is(damage, fs.ErrPermission) {
		return fmt.Errorf("%q: %w", path, damage) // the file may be sound: another user can read it
	}
	line := fmt.Sprintf("%s is damaged (%v)", path, damage)
	if errors.Is(damage, fs.ErrNotExist) {
		line = path + " is gone"
	} else if !p.DryRun {
		to, err := putAside(p.FS, path)
		if err != nil {
			return fmt.Errorf("%w: %s, and cannot be put aside: %w", ErrCreate, line, err)
		}
		line += "; it is kept as " + to
	}
	p.tell(line + "; the files of the last generation count as written by virtmap, and others as made by hand")
	if p.DryRun {
		return nil
	}
	return p.writeManifest()
}

// Wrote reports whether an installed file is as virtmap wrote it.
func Wrote(files FS, state, path string) bool {
	m, _, err := loadManifest(files, state)
	if err != nil {
		return false
	}
	sum, err := digestOf(files, path)
	return err == nil && m.wrote(path, sum)
}

// Known reports whether virtmap has written a set with this state folder before.
func Known(files FS, state string) bool {
	m, damage, err := loadManifest(files, state)
	return err == nil && (len(m.Files) > 0 || damage == nil && exists(files, filepath.Join(state, ManifestName)))
}

func exists(files FS, path string) bool {
	_, err := files.Stat(path)
	return err == nil
}

// Copy returns the path of a copy of a text that virtmap wrote. The copy is that
// of the text written last, if it is sound, or else the newest sound one.
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
	if exists(p.FS, beside(path)) { // left by a run that was killed
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
