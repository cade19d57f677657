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

// Generations lists the generations of a state folder, the oldest first. damaged
// has a line about each generation that is left out, and why.
func Generations(files FS, state string) (all []Meta, damaged []string, err error) {
	parent := filepath.Join(state, generationsDir)
	names, err := generationNames(files, parent)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		number, ok := generationNumber(name)
		if !ok {
			continue // an unfinished generation, or a file of another program
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

// generationNames lists the folder of the generations. If a file is in its
// place, there are no names; the next generation puts the file aside.
func generationNames(files FS, parent string) ([]string, error) {
	names, err := files.Names(parent)
	if err != nil && isNoFolder(files, parent) {
		return nil, nil
	}
	return names, err
}

// generationNumber returns the number that a folder of a generation has as its
// name.
func generationNumber(name string) (number int, ok bool) {
	number, err := strconv.Atoi(name)
	return number, err == nil && number >= 0 && strconv.Itoa(number) == name
}

// readMeta reads the description of a generation, and makes sure that its copies
// are there.
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

// parseMeta reads the description of a generation in a folder.
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

// lookAt makes sure that a copy is there. It does not read the copy.
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

// Content returns a file of a generation, and makes sure that its digest is
// right.
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

// place returns the path of a copy.
func (m Meta) place(state, name string) string {
	return filepath.Join(state, generationsDir, strconv.Itoa(m.Number), name)
}

// Sound reads all copies and lists the generations without a damaged one.
// damaged has a line about each generation that is left out.
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

// verify reads the copies of a generation and makes sure that their digests are
// right.
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

// Current returns the index of the generation that virtmap put in place last. It
// returns len(all) when that generation is not in the list, because it is damaged.
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

// next returns the number of the next generation, and whether it is the first.
// The number is above that of every other folder.
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

// mostNumber is a number that no generation of virtmap reaches. A folder with a
// higher number is not of virtmap.
const mostNumber = 1 << 30

// isGeneration reports whether a folder is a generation, sound or damaged: it
// has a meta.json, and beside it only files.
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
