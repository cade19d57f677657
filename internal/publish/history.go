package publish

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"virtmap/internal/mmap"
)

// Generations lists what is kept in a state folder, the oldest first, and says
// what else is there: generations that are damaged, and what is none.
func Generations(files FS, state string) (all []Meta, damaged []string, err error) {
	parent := filepath.Join(state, generationsDir)
	names, err := generationNames(files, parent)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		number, ok := generationNumber(name)
		if !ok {
			continue // unfinished, or of another program
		}
		m, err := readMeta(files, filepath.Join(parent, name))
		if err == nil && m.Number != number {
			err = fmt.Errorf("its %s is of generation %d", metaName, m.Number)
		}
		if err != nil {
			damaged = append(damaged, fmt.Sprintf("%s is left out of the generations: %v", filepath.Join(parent, name), err))
			continue
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Meta) int { return cmp.Compare(a.Number, b.Number) })
	return all, damaged, nil
}

// generationNames lists the folder of the generations. A file in its place has
// none; the next generation puts that aside.
func generationNames(files FS, parent string) ([]string, error) {
	names, err := files.Names(parent)
	if err != nil && isNoFolder(files, parent) {
		return nil, nil
	}
	return names, err
}

// generationNumber gives the number that is the name of a generation's folder.
func generationNumber(name string) (number int, ok bool) {
	number, err := strconv.Atoi(name)
	return number, err == nil && number >= 0 && strconv.Itoa(number) == name
}

// readMeta reads what a generation in a folder is, and makes sure that the
// files are there which it stores.
func readMeta(files FS, dir string) (m Meta, err error) {
	if m, err = parseMeta(files, dir); err != nil {
		return m, err
	}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if err := m.Files[name].lookAt(files, dir, name); err != nil {
			return m, err
		}
	}
	return m, nil
}

func parseMeta(files FS, dir string) (m Meta, err error) {
	if info, err := files.Stat(dir); err != nil || !info.Mode.IsDir() {
		return m, cmp.Or(err, errors.New("it is no folder"))
	}
	text, err := readState(files, filepath.Join(dir, metaName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("it has no %s", metaName)
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && len(m.Files) == 0 {
		err = errors.New("it names no files")
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w", metaName, err)
	}
	return m, nil
}

// lookAt makes sure that a stored file is there, without reading it.
func (k Kept) lookAt(files FS, dir, name string) error {
	if name != filepath.Base(name) || name == metaName {
		return fmt.Errorf("%s: it names a file %q", metaName, name)
	}
	if !k.Stored {
		return nil
	}
	info, err := files.Stat(filepath.Join(dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("its %s is gone", name)
	case err != nil:
		return err
	case !info.Mode.IsRegular():
		return fmt.Errorf("%s: %w", name, errNoFile)
	case info.Size == 0 && k.Digest != digest(mmap.Of(nil)):
		return fmt.Errorf("%s: %w", name, errEmpty)
	}
	return nil
}

// Content gives a stored file of a generation, and makes sure that it is what
// was kept.
func (m Meta) Content(files FS, state, name string) ([]byte, error) {
	kept, ok := m.Files[name]
	if !ok || !kept.Stored {
		return nil, fmt.Errorf("generation %d has no %s: %w", m.Number, name, fs.ErrNotExist)
	}
	content, err := readState(files, m.place(state, name))
	if err != nil {
		return nil, fmt.Errorf("generation %d: %s: %w", m.Number, name, err)
	}
	if digest(mmap.Of(content)) != kept.Digest {
		return nil, fmt.Errorf("generation %d: %s is damaged", m.Number, name)
	}
	return content, nil
}

// place is where a stored file of a generation is.
func (m Meta) place(state, name string) string {
	return filepath.Join(state, generationsDir, strconv.Itoa(m.Number), name)
}

// Sound gives the generations whose stored files are all what was kept, and
// says which are not.
func Sound(files FS, state string) (all []Meta, damaged []string, err error) {
	listed, damaged, err := Generations(files, state)
	for _, m := range listed {
		if problem := m.verify(files, state); problem != nil {
			damaged = append(damaged, fmt.Sprintf("%s is left out of the generations: %v", m.place(state, ""), problem))
			continue
		}
		all = append(all, m)
	}
	return all, damaged, err
}

// verify reads the stored files of a generation and makes sure that each is what
// was kept.
func (m Meta) verify(files FS, state string) error {
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		if !m.Files[name].Stored {
			continue
		}
		if _, err := m.Content(files, state, name); err != nil {
			return err
		}
	}
	return nil
}

// Current gives the index of the generation that virtmap put in place last, and
// len(all) when that one is not among them, because it is damaged.
func Current(files FS, state string, all []Meta) int {
	recorded, _, err := loadManifest(files, state)
	if err != nil {
		return len(all)
	}
	for i, m := range slices.Backward(all) {
		if recorded.isOf(m) {
			return i
		}
	}
	return len(all)
}

// next gives the number of the next generation, above that of every other
// folder, and whether it is the first.
func (p *publisher) next() (number int, first bool, err error) {
	names, err := generationNames(p.FS, filepath.Join(p.State, generationsDir))
	last := -1
	for _, name := range names {
		if n, ok := generationNumber(name); ok && n < mostNumber {
			last = max(last, n)
		}
	}
	return max(last, 0) + 1, last < 0, err
}

// mostNumber is more than generations can come to. virtmap did not make a folder
// with such a number.
const mostNumber = 1 << 30

// isGeneration reports whether a folder is one that virtmap made, damaged or
// not: it has a meta.json, and beside it nothing but files.
func isGeneration(files FS, dir string) bool {
	info, err := files.Stat(dir)
	if err != nil || !info.Mode.IsDir() {
		return false
	}
	names, err := files.Names(dir)
	return err == nil && slices.Contains(names, metaName) && !slices.ContainsFunc(names, func(name string) bool {
		info, err := files.Stat(filepath.Join(dir, name))
		return err != nil || !info.Mode.IsRegular()
	})
}
