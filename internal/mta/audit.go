package mta

import (
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"syscall"

	"virtmap/internal/regular"
	"virtmap/inventory"
)

// Receiving returns the users at whom mail ends, each with the place in the inventory: not
// those whose forward takes all mail elsewhere.
func (a *Audited) Receiving() iter.Seq2[string, *inventory.User] {
	m := a.Build.Inventory()
	return func(yield func(string, *inventory.User) bool) {
		for i := range m.Users {
			u := &m.Users[i]
			place, _ := m.Sources.Place(u.Name.Pos)
			if (u.Forward.Kind == inventory.NoTarget || u.KeepCopy) && !yield(place.String(), u) {
				return
			}
		}
	}
}

// NoAliases returns a complaint for each local alias of an inventory that an alias file of
// this machine (aliases(5)) does not have. Without the file every alias is missing.
func (a *Audited) NoAliases(path string) (all []Complaint, err error) {
	m := a.Build.Inventory()
	if len(m.LocalAliases) == 0 || !a.Here {
		return nil, nil
	}
	text, err := regular.ReadIfThere(path)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, is := strings.Cut(line, ":")
		have[strings.ToLower(strings.Trim(name, "\" \t"))] = is
	}
	for _, name := range m.LocalAliases {
		if place, _ := m.Sources.Place(name.Pos); !have[name.Text] {
			all = append(all, Complaint{Place: place.String(), Text: fmt.Sprintf("%s has no %q", path, name.Text), Mend: name.Text + ": a recipient"})
		}
	}
	return all, nil
}

// MayWrite reports whether the mode of a file lets a user write. Further groups of the
// user do not count.
func MayWrite(info fs.FileInfo, uid, gid uint32) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch bits := info.Mode().Perm(); {
	case !ok:
		return true
	case stat.Uid == uid:
		return bits&0o200 != 0
	case stat.Gid == gid:
		return bits&0o020 != 0
	default:
		return bits&0o002 != 0
	}
}
