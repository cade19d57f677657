package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"virtmap/internal/mmap"
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
	Stored bool   `json:"stored"`                  // there is a copy; a map without one is made of its text
	Bridge string `json:"bridge_sha256,omitempty"` // of what was in its place while others were swapped
}

const (
	generationsDir = "generations"
	metaName       = "meta.json"

	unfinishedPrefix = "unfinished-" // before the number of one that has not its name yet
)

// generations keeps what is installed, where it is no generation yet, and what
// is about to be.
func (p *publisher) generations() error {
	if p.Keep < 0 {
		return nil
	}
	all, damaged, err := Generations(p.FS, p.State)
	if err != nil {
		return err
	}
	for _, line := range damaged {
		p.tell(line)
	}
	next, first, err := p.next()
	if err != nil {
		return err
	}
	if found := p.found(all); found != nil {
		if found.Number = next; first {
			found.Number = 0
		}
		err := p.copyGeneration(*found, func(path string) string { return path })
		if err == nil {
			err = p.unchanged() // the digests are of what was compared
		}
		if err == nil {
			err = nameGeneration(p.FS, p.State, found.Number, p.tell)
		}
		if err != nil {
			return err
		}
		next = found.Number + 1
	}
	if len(p.pending) == 0 {
		return nil // nothing is new yet
	}
	return p.keepNew(next)
}

// found describes the installed set, when it is not the last generation. What
// is damaged in it is no part of it.
func (p *publisher) found(all []Meta) *Meta {
	m := Meta{Time: p.Meta.Time, Who: p.Meta.Who, Note: "as it was found", Files: map[string]Kept{}}
	known := len(all) > 0
	for _, out := range p.Outputs {
		if out.Shared {
			continue
		}
		sum, ok := p.digests[out.Path]
		if !ok || p.damaged[out.Path] {
			continue
		}
		m.Files[key(out.Path)] = Kept{Digest: sum, Stored: true}
		if known {
			kept, in := all[len(all)-1].Files[key(out.Path)]
			known = !in || kept.Digest == sum // a file of an earlier map type says nothing
		}
	}
	if known || len(m.Files) == 0 {
		return nil
	}
	return &m
}

// keepNew keeps what was staged, with what stays as it is. It gets its name
// when all files are in place.
func (p *publisher) keepNew(number int) error {
	m := p.Meta
	m.Number, m.Files = number, map[string]Kept{}
	for _, out := range p.Outputs {
		if digests := p.manifest.Files[key(out.Path)]; !out.Shared && len(digests) > 0 {
			m.Files[key(out.Path)] = Kept{Digest: digests[len(digests)-1], Stored: out.Source == "" || out.Hold, Bridge: p.bridgeSum(out.Path)}
		}
	}
	p.generation = number
	return p.copyGeneration(m, p.at)
}

// copyGeneration copies the stored files of a generation into a folder that
// has not its name yet.
func (p *publisher) copyGeneration(m Meta, at func(path string) string) error {
	dir := unnamed(p.State, m.Number)
	for _, folder := range []string{filepath.Dir(dir), dir} {
		if err := makeFolder(p.FS, folder, 0o700, p.tell); err != nil {
			return err
		}
	}
	for _, out := range p.Outputs {
		if !m.Files[key(out.Path)].Stored {
			continue
		}
		err := p.image(at(out.Path), func(image *mmap.Image) error {
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
	return errors.Join(p.writeNew(filepath.Join(dir, metaName), mmap.Of(append(text, '\n'))), p.FS.SyncDir(dir), p.FS.SyncDir(filepath.Dir(dir)))
}

// unnamed is the folder of a generation that is not in place yet.
func unnamed(state string, number int) string {
	return filepath.Join(state, generationsDir, unfinishedPrefix+strconv.Itoa(number))
}

// nameGeneration gives a generation its name; it may have it already. What
// took the name meanwhile gets another.
func nameGeneration(files FS, state string, number int, tell func(string)) error {
	from := unnamed(state, number)
	if _, err := files.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	named := filepath.Join(filepath.Dir(from), strconv.Itoa(number))
	if _, err := files.Stat(named); err == nil {
		to, err := putAside(files, named)
		if err != nil {
			return err
		}
		tell(fmt.Sprintf("%s is no generation of virtmap; it is kept as %s", named, to))
	}
	if err := files.Rename(from, named); err != nil {
		return err
	}
	return files.SyncDir(filepath.Dir(from))
}

func (p *publisher) writeNew(path string, content *mmap.Image) error {
	return p.write(path, 0o600, func(f File) error {
		for piece := range content.Pieces() {
			if _, err := f.Write(piece); err != nil {
				return err
			}
		}
		return nil
	})
}

// bridgeSum is the digest of the bridge of an output, where it has one.
func (p *publisher) bridgeSum(path string) string {
	for _, s := range p.pending {
		if s.out.Path == path {
			return s.sums[1]
		}
	}
	return ""
}

// dropUnfinished removes generations that never came into place.
func (p *publisher) dropUnfinished() error {
	parent := filepath.Join(p.State, generationsDir)
	names, err := generationNames(p.FS, parent)
	for _, name := range names {
		number, unfinished := strings.CutPrefix(name, unfinishedPrefix)
		if _, ok := generationNumber(number); unfinished && ok {
			err = errors.Join(err, p.FS.RemoveAll(filepath.Join(parent, name)))
		}
	}
	return err
}

// prune removes the oldest generations, and damaged ones that are older than
// all that stay.
func (p *publisher) prune() error {
	if p.Keep < 0 {
		return nil
	}
	all, _, err := Generations(p.FS, p.State)
	if err != nil || len(all) <= p.Keep {
		return err
	}
	oldest := all[len(all)-1-p.Keep].Number
	names, err := generationNames(p.FS, filepath.Join(p.State, generationsDir))
	for _, name := range names {
		number, ok := generationNumber(name)
		if !ok || number >= oldest || !isGeneration(p.FS, filepath.Join(p.State, generationsDir, name)) {
			continue
		}
		// Without its name first: who is stopped in between leaves no half of
		// a generation.
		going := unnamed(p.State, number)
		err := p.FS.Rename(filepath.Join(filepath.Dir(going), name), going)
		if err == nil {
			err = p.FS.RemoveAll(going)
		}
		if err != nil {
			return err
		}
	}
	return err
}
