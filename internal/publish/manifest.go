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

	"virtmap/internal/mapped"
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

func digest(image *mapped.Image) string {
	sum := sha256.New()
	for piece := range image.Pieces() {
		sum.Write(piece)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func (m *manifest) wrote(path, digest string) bool {
	return slices.Contains(m.Files[key(path)], digest)
}

func (p *publisher) readManifest() error {
	p.manifest = manifest{Version: 1, Files: map[string][]string{}}
	path := filepath.Join(p.State, ManifestName)
	text, err := p.FS.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = json.Unmarshal(text, &p.manifest)
	for _, digests := range p.manifest.Files {
		if len(digests) == 0 {
			err = errors.New("a file without a digest")
		}
	}
	if err != nil || p.manifest.Version != 1 || p.manifest.Files == nil {
		return fmt.Errorf("%q is damaged; remove it, and every file that is not as the inventory has it counts as made by hand", path)
	}
	return nil
}

// writeManifest writes the manifest; encoding/json sorts its keys.
func (p *publisher) writeManifest() error {
	text, err := json.MarshalIndent(p.manifest, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(p.State, ManifestName)
	old, err := p.FS.ReadFile(path)
	if err == nil && string(old) == string(text)+"\n" {
		return nil
	}
	return p.writeState(path, append(text, '\n'))
}

// writeState writes a file of the state folder.
func (p *publisher) writeState(path string, content []byte) error {
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
