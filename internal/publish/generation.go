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

// Meta describes a generation.
type Meta struct {
	Number    int       `json:"number"`
	Time      time.Time `json:"time"`
	Who       string    `json:"who"`
	Server    string    `json:"server,omitempty"` // the name of the kind of mail server
	Folder    string    `json:"folder,omitempty"` // of the files, absolute; empty: the state folder is within it
	Inventory string    `json:"inventory"`        // name of the inventory
	Digest    string    `json:"sha256"`           // digest of the inventory
	Contents  string    `json:"contents"`         // "4 domains, 34 rows"
	Note      string    `json:"note,omitempty"`

	Files map[string]Kept `json:"files"`
}

// Kept is a file of a generation.
type Kept struct {
	Digest string `json:"sha256"`
	Stored bool   `json:"stored"`                  // there is a copy; a map has none and is made from its text
	Bridge string `json:"bridge_sha256,omitempty"` // digest of the bridge that was in its place during the renames
}

const (
	generationsDir = "generations"
	metaName       = "meta.json"

	unfinishedPrefix = "unfinished-" // before the number of an unfinished generation
)

// generations keeps the installed set, unless it is the last generation, and
// the staged set.
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
			err = p.unchanged() // the digests are those of the compared files
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
		return nil // the set has no new file
	}
	return p.keepNew(next)
}

// found describes the installed set without its damaged files. It returns nil
// when the set is the last generation.
func (p *publisher) found(all []Meta) *Meta {
	m := Meta{Time: p.Meta.Time, Who: p.Meta.Who, Folder: p.Meta.Folder, Note: "as it was found", Files: map[string]Kept{}}
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
			known = !in || kept.Digest == sum // a map of a type that the generation does not have is not compared
		}
	}
	if known || len(m.Files) == 0 {
		return nil
	}
	return &m
}

// keepNew keeps the staged set, with the files that stay as they are. The
// generation is unfinished until all files are in place.
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

// copyGeneration copies the files of a generation into the folder of an
// unfinished generation. at returns where the content of a path is.
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

// unnamed is the folder of an unfinished generation.
func unnamed(state string, number int) string {
	return filepath.Join(state, generationsDir, unfinishedPrefix+strconv.Itoa(number))
}

// nameGeneration renames the folder of an unfinished generation to its number.
// It does nothing when that was done before. If another folder has the number,
// that folder gets another name.
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

// writeNew writes a file of a generation.
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

// bridgeSum is the digest of the bridge of an output, or empty without a bridge.
func (p *publisher) bridgeSum(path string) string {
	for _, s := range p.pending {
		if s.out.Path == path {
			return s.sums[1]
		}
	}
	return ""
}

// dropUnfinished removes unfinished generations.
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

// prune removes the oldest generations, beyond p.Keep. Damaged generations that
// are older than those are removed too.
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
		// First the generation becomes an unfinished one: a run that is
		// stopped here leaves no generation with half of its files.
		unfinished := unnamed(p.State, number)
		err := p.FS.Rename(filepath.Join(filepath.Dir(unfinished), name), unfinished)
		if err == nil {
			err = p.FS.RemoveAll(unfinished)
		}
		if err != nil {
			return err
		}
	}
	return err
}
