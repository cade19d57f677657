package importer

import (
	"fmt"
	"maps"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// A File of an inventory with the additions.
type File struct{ Path, Text string }

// Files returns the files of the inventory that have additions. The file of path comes
// first, because the others may need its users. read returns the text of a file, and
// includeFrom is that of inventory.Load. Files makes sure that the old rows of the
// inventory do not change.
func (m *Merge) Files(path string, includeFrom []string, read func(path string) (string, error)) (files []File, after mta.Build, err error) {
	parts := m.parts(path)
	paths := slices.DeleteFunc(slices.Sorted(maps.Keys(parts)), func(file string) bool { return file == path })
	texts := map[string]string{}
	for _, file := range append([]string{path}, paths...) {
		if parts[file].Empty() {
			continue
		}
		text, err := read(file)
		if err == nil {
			text, err = inventory.Insert(text, *parts[file])
		}
		if err != nil {
			return nil, after, fmt.Errorf("%s: %w", file, err)
		}
		texts[file] = text
		files = append(files, File{file, text})
	}
	if after, err = m.with(path, texts, includeFrom); err != nil {
		return nil, after, fmt.Errorf("%s: %w", path, err)
	}
	return files, after, nil
}

// parts returns the additions by file. An address goes to the file of its domain, and
// everything else to the file of path.
func (m *Merge) parts(path string) map[string]*inventory.Additions {
	top := m.Additions
	top.Addresses = map[string][]inventory.Entry{}
	parts := map[string]*inventory.Additions{path: &top}
	for domain, entries := range m.Additions.Addresses {
		i, _ := m.have.Inventory().Domain(domain)
		place, _ := m.have.Inventory().Sources.Place(m.have.Inventory().Domains[i].Pos)
		if parts[place.File] == nil {
			parts[place.File] = &inventory.Additions{Addresses: map[string][]inventory.Entry{}}
		}
		parts[place.File].Addresses[domain] = entries
	}
	return parts
}

// with loads the inventory of path with new texts of its files. It fails when an old row
// leads to another target then.
func (m *Merge) with(path string, texts map[string]string, includeFrom []string) (after mta.Build, err error) {
	model, faults, err := inventory.LoadTexts(path, texts, includeFrom...)
	if err != nil {
		return after, err
	}
	after = m.server.kind.Compile(model, faults)
	if faults.Failed() {
		return after, fmt.Errorf("with the additions it would have a fault: %s", firstError(faults))
	}
	return after, keepsRows(m.have, after)
}

// keepsRows fails when a row of a build leads to another target in the next one.
func keepsRows(old, next mta.Build) error {
	was, err := old.Set().Rows()
	if err != nil {
		return err
	}
	is, err := next.Set().Rows()
	if err != nil {
		return err
	}
	for key, value := range mapfile.All(was) {
		var now []byte
		if i, ok := mta.FindRow(is, key); ok {
			_, now = is.Row(i)
		}
		if string(now) != string(value) {
			return fmt.Errorf("with the additions %s would lead to %q, not to %q any more", key, now, value)
		}
	}
	return nil
}
