package build

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"virtmap/hostnames"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// served gives the domains of the installed lists: those whose mail is delivered
// here, and those whose mail is relayed; nil where the memory alone counts. memory
// is nil where nothing is remembered.
func (r *run) served(memory *hostnames.Memory) (local, relayed map[string]bool, err error) {
	if local, err = r.listed(mta.Served, memory); err != nil {
		return nil, nil, err
	}
	if local == nil && memory == nil {
		// The list may be kept elsewhere: on a first run the rows tell.
		if local, err = r.ofRows(); err != nil {
			return nil, nil, err
		}
	}
	relayed, err = r.listed(mta.Relayed, memory)
	return local, relayed, err
}

// ofRows gives the domains of the rows of the installed text of the virtual
// addresses; nil where there is none.
func (r *run) ofRows() (map[string]bool, error) {
	file, ok := r.server.Of(mta.Addresses)
	if !ok {
		return nil, nil
	}
	text, err := regular.ReadIfThere(filepath.Join(r.Out, file.Name))
	if text == nil || err != nil {
		return nil, as(IO, err)
	}
	names := map[string]bool{}
	for key := range mapfile.All(file.Rows(text)) {
		if _, domain, ok := mailaddr.Split(string(key)); ok {
			names[domain] = true
		}
	}
	return names, nil
}

// listed gives the domains of the installed list of a role; nil when the memory alone
// counts, because the list is not there or damaged. A list that is not as virtmap
// wrote it may have lost names, and a domain that is lost so is not new: listed
// adds those that are remembered as served, or, where there is no memory, those of
// virtmap's copy.
func (r *run) listed(role mta.Role, memory *hostnames.Memory) (map[string]bool, error) {
	file, ok := r.server.Of(role)
	if !ok {
		return nil, nil
	}
	path := filepath.Join(r.Out, file.Name)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, as(IO, fmt.Errorf("%q %w", path, publish.ErrNotFile))
	}
	text, err := regular.ReadIfThere(path)
	if err != nil {
		return nil, as(IO, err)
	}
	if text != nil && publish.Wrote(publish.OS, r.State, path) {
		return setOf(file.Lines(text)), nil
	}
	var names map[string]bool
	if text != nil && fileset.DamagedText(text) == nil {
		names = setOf(file.Lines(text))
	}
	if memory != nil {
		return withRemembered(names, memory, role == mta.Relayed), nil
	}
	if place, ok := r.copies(file.Name); ok {
		written, err := regular.ReadIfThere(place)
		if err != nil {
			return nil, as(IO, err)
		}
		if names == nil {
			names = map[string]bool{}
		}
		maps.Copy(names, setOf(file.Lines(written)))
	}
	return names, nil
}

// withRemembered adds the domains that are remembered as served, as backup
// domains or as others; nil stays nil.
func withRemembered(names map[string]bool, memory *hostnames.Memory, backup bool) map[string]bool {
	if names == nil {
		return nil
	}
	for name, r := range memory.Domains {
		if r.Served && r.Backup == backup {
			names[name] = true
		}
	}
	return names
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
