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

// served returns the domains of the installed lists: local for those whose mail is
// delivered here, relayed for those whose mail is relayed. A nil result means that only
// the memory counts. memory is nil if there is none.
func (r *run) served(memory *hostnames.Memory) (local, relayed map[string]bool, err error) {
	if local, err = r.listed(mta.Served, memory); err != nil {
		return nil, nil, err
	}
	if relayed, err = r.listed(mta.Relayed, memory); err != nil {
		return nil, nil, err
	}
	if local != nil || memory != nil {
		return local, relayed, nil
	}
	// A first run with a list in another file: the configuration or the rows show the domains.
	taken, passed, err := r.taken()
	if err != nil {
		return nil, nil, err
	}
	if relayed == nil {
		relayed = passed
	}
	if taken != nil {
		return taken, relayed, nil
	}
	local, err = r.ofRows()
	return local, relayed, err
}

// taken returns the domains that the server's own configuration takes mail for. They are
// nil without a configuration.
func (r *run) taken() (served, relayed map[string]bool, err error) {
	if r.server.Takes == nil {
		return nil, nil, nil
	}
	m := r.source.Inventory()
	names := make([]string, len(m.Domains))
	for i := range m.Domains {
		names[i] = m.Domains[i].Name
	}
	dir := r.Out
	if r.Config != "" {
		dir = filepath.Dir(r.Config)
	}
	served, relayed, err = r.server.Takes(dir, m.Host.Name.Text, names)
	return served, relayed, as(IO, err)
}

// ofRows returns the domains in the installed text of the virtual addresses; nil
// without such a text.
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

// listed returns the domains of the installed lists of a role. The result is nil if all
// lists are missing or damaged, and then only the memory counts.
func (r *run) listed(role mta.Role, memory *hostnames.Memory) (all map[string]bool, err error) {
	for _, file := range r.server.WithRole(role) {
		names, err := r.listedIn(file, role, memory)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = names
			continue
		}
		maps.Copy(all, names)
	}
	return all, nil
}

// listedIn returns the domains of one installed list. The result is nil if the list is
// missing or damaged. If the list is not as virtmap wrote it, names may have been lost.
// A lost domain must not count as new. listedIn therefore adds the domains that the
// memory has as served, or, without a memory, the domains of virtmap's copy.
func (r *run) listedIn(file mta.File, role mta.Role, memory *hostnames.Memory) (map[string]bool, error) {
	path := filepath.Join(r.Out, file.Name)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, as(IO, fmt.Errorf("%q %w", path, publish.ErrNotFile))
	}
	text, err := regular.ReadIfThere(path)
	if err != nil {
		return nil, as(IO, err)
	}
	if text != nil && publish.Wrote(publish.OS, r.State, path) {
		return setOf(file.Domains(text)), nil
	}
	var names map[string]bool
	if text != nil && fileset.DamagedText(text) == nil {
		names = setOf(file.Domains(text))
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
		maps.Copy(names, setOf(file.Domains(written)))
	}
	return names, nil
}

// withRemembered adds the domains that are served according to the memory. backup
// chooses backup domains or the others. nil stays nil.
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
