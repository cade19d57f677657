package build

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// served gives the domains of the installed lists: those whose mail is delivered
// here, and those whose mail is relayed; nil where the memory alone counts. memory
// is nil where nothing is remembered.
func (i *installed) served(memory *hostnames.Memory) (local, relayed map[string]bool, err error) {
	if local, err = i.listed(localList, memory); err != nil {
		return nil, nil, err
	}
	if local == nil && memory == nil {
		// The list may be kept elsewhere: on a first run the rows tell.
		text, err := regular.ReadIfThere(filepath.Join(i.Out, tableName))
		if err != nil {
			return nil, nil, as(IO, err)
		}
		local = namesOf(tableName, text, tableDomains)
	}
	relayed, err = i.listed(relayedList, memory)
	return local, relayed, err
}

// listed gives the domains of an installed list; nil when the memory alone
// counts, because the list is not there or damaged. A list that is not as virtmap
// wrote it may have lost names, and a domain that is lost so is not new: listed
// adds those that are remembered as served, or, where there is no memory, those of
// virtmap's copy.
func (i *installed) listed(file string, memory *hostnames.Memory) (map[string]bool, error) {
	path := filepath.Join(i.Out, file)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, as(IO, fmt.Errorf("%q %w", path, publish.ErrNotFile))
	}
	text, err := regular.ReadIfThere(path)
	if err != nil {
		return nil, as(IO, err)
	}
	if text != nil && publish.Wrote(publish.OS, i.State, path) {
		return namesOf(file, text, listedNames), nil
	}
	var names map[string]bool
	if text != nil && fileset.DamagedText(text) == nil {
		names = namesOf(file, text, listedNames)
	}
	if memory != nil {
		return withRemembered(names, memory, file == relayedList), nil
	}
	if place, ok := i.copies(file); ok {
		written, err := regular.ReadIfThere(place)
		if err != nil {
			return nil, as(IO, err)
		}
		if names == nil {
			names = map[string]bool{}
		}
		maps.Copy(names, namesOf(file, written, listedNames))
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

// namesOf gives the domains of a text; nil when there is none.
func namesOf(file string, text []byte, read func(*diag.Source, *diag.List) []string) map[string]bool {
	if text == nil {
		return nil
	}
	names := map[string]bool{}
	var sources diag.Sources
	var unasked diag.List
	if src, err := sources.Add(file, string(text)); err == nil {
		for _, name := range read(src, &unasked) {
			names[name] = true
		}
	}
	return names
}

func listedNames(src *diag.Source, faults *diag.List) []string {
	var names []string
	for _, name := range hostnames.Parse(src, faults) {
		names = append(names, name.Text)
	}
	return names
}
