package publish

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"virtmap/internal/mapped"
)

// Meta says what a generation is.
type Meta struct {
	Number    int       `json:"number"`
	Time      time.Time `json:"time"`
	Who       string    `json:"who"`
	Inventory string    `json:"inventory"` // its name
	Digest    string    `json:"sha256"`    // of its text
	Contents  string    `json:"contents"`  // "4 domains, 34 rows"
	Note      string    `json:"note,omitempty"`

	Files map[string]Kept `json:"files"`
}

// Kept is a file of a generation.
type Kept struct {
	Digest string `json:"sha256"`
	Stored bool   `json:"stored"` // there is a copy; a map without one is made of its text
}

const (
	generationsDir = "generations"
	metaName       = "meta.json"
)

// Generations lists what is kept in a state folder, the oldest first.
func Generations(files FS, state string) ([]Meta, error) {
	names, err := files.Names(filepath.Join(state, generationsDir))
	if err != nil {
		return nil, err
	}
	var all []Meta
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue // unfinished
		}
		text, err := files.ReadFile(filepath.Join(state, generationsDir, name, metaName))
		if err != nil {
			return nil, err
		}
		var m Meta
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("generation %s: %w", name, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Meta) int { return cmp.Compare(a.Number, b.Number) })
	return all, nil
}

// Content gives a stored file of a generation, and makes sure that it is what
// was kept.
func (m Meta) Content(files FS, state, name string) ([]byte, error) {
	kept, ok := m.Files[name]
	if !ok || !kept.Stored {
		return nil, fmt.Errorf("generation %d has no %s: %w", m.Number, name, fs.ErrNotExist)
	}
	content, err := files.ReadFile(filepath.Join(state, generationsDir, strconv.Itoa(m.Number), name))
	if err != nil {
		return nil, err
	}
	if digest(mapped.Of(content)) != kept.Digest {
		return nil, fmt.Errorf("generation %d: %s is damaged", m.Number, name)
	}
	return content, nil
}

// generations keeps what is installed, where it is no generation yet, and what
// is about to be.
func (p *publisher) generations() error {
	if p.Keep < 0 {
		return nil
	}
	all, err := Generations(p.FS, p.State)
	if err != nil {
		return err
	}
	next := 1
	if len(all) > 0 {
		next = all[len(all)-1].Number + 1
	}
	found, err := p.found(all)
	if err != nil {
		return err
	}
	if found != nil {
		found.Number = next - 1 // 0 on a first run
		if len(all) > 0 {
			found.Number = next
		}
		next = found.Number + 1
		err := p.copyGeneration(*found, func(path string) string { return path })
		if err == nil {
			err = p.unchanged() // the digests are of what was compared
		}
		if err == nil {
			err = nameGeneration(p.FS, p.State, found.Number)
		}
		if err != nil {
			return err
		}
	}
	return p.keepNew(next)
}

// found describes the installed set, when it is not the last generation.
func (p *publisher) found(all []Meta) (*Meta, error) {
	m := Meta{Time: p.Meta.Time, Who: p.Meta.Who, Note: "as it was found", Files: map[string]Kept{}}
	known := len(all) > 0
	for _, out := range p.Outputs {
		if out.Shared {
			continue
		}
		sum, ok := p.digests[out.Path]
		if !ok {
			continue // it was not there
		}
		m.Files[key(out.Path)] = Kept{Digest: sum, Stored: true}
		if known {
			kept, in := all[len(all)-1].Files[key(out.Path)]
			known = !in || kept.Digest == sum // a file of an earlier map type says nothing
		}
	}
	if known || len(m.Files) == 0 {
		return nil, nil
	}
	return &m, nil
}

// keepNew keeps what was staged, with what stays as it is. It gets its name
// when all files are in place.
func (p *publisher) keepNew(number int) error {
	m := p.Meta
	m.Number, m.Files = number, map[string]Kept{}
	for _, out := range p.Outputs {
		if digests := p.manifest.Files[key(out.Path)]; !out.Shared && len(digests) > 0 {
			m.Files[key(out.Path)] = Kept{Digest: digests[len(digests)-1], Stored: out.Source == "" || out.Hold}
		}
	}
	p.generation = number
	return p.copyGeneration(m, p.at)
}

// copyGeneration copies the stored files of a generation into a folder that
// has not its name yet.
func (p *publisher) copyGeneration(m Meta, at func(path string) string) error {
	dir := unnamed(p.State, m.Number)
	if err := p.FS.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrCreate, err)
	}
	for _, out := range p.Outputs {
		if !m.Files[key(out.Path)].Stored {
			continue
		}
		err := p.image(at(out.Path), func(image *mapped.Image) error {
			return p.writeNew(filepath.Join(dir, key(out.Path)), image)
		})
		if err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(p.writeNew(filepath.Join(dir, metaName), mapped.Of(append(text, '\n'))), p.FS.SyncDir(dir), p.FS.SyncDir(filepath.Dir(dir)))
}

// unnamed is the folder of a generation that is not in place yet.
func unnamed(state string, number int) string {
	return filepath.Join(state, generationsDir, "unfinished-"+strconv.Itoa(number))
}

// nameGeneration gives a generation its name; it may have it already.
func nameGeneration(files FS, state string, number int) error {
	from := unnamed(state, number)
	if _, err := files.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := files.Rename(from, filepath.Join(filepath.Dir(from), strconv.Itoa(number))); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(from))
}

func (p *publisher) writeNew(path string, content *mapped.Image) error {
	return p.write(path, 0o600, func(f File) error {
		for piece := range content.Pieces() {
			if _, err := f.Write(piece); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropUnfinished removes generations that never came into place.
func (p *publisher) dropUnfinished() error {
	parent := filepath.Join(p.State, generationsDir)
	names, err := p.FS.Names(parent)
	for _, name := range names {
		if _, notNumber := strconv.Atoi(name); notNumber != nil {
			err = errors.Join(err, p.FS.RemoveAll(filepath.Join(parent, name)))
		}
	}
	return err
}

// prune removes the oldest generations.
func (p *publisher) prune() error {
	if p.Keep < 0 {
		return nil
	}
	all, err := Generations(p.FS, p.State)
	if err != nil {
		return err
	}
	for len(all) > p.Keep+1 {
		// Without its name first: who is stopped in between leaves no half of
		// a generation.
		going := unnamed(p.State, all[0].Number)
		err := p.FS.Rename(filepath.Join(filepath.Dir(going), strconv.Itoa(all[0].Number)), going)
		if err == nil {
			err = p.FS.RemoveAll(going)
		}
		if err != nil {
			return err
		}
		all = all[1:]
	}
	return nil
}
