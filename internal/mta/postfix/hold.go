package postfix

import (
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/regular"
)

// holds returns a function that reports which files of a live folder must wait. With such
// a file, Postfix would refuse mail or bounce it until it also reads the files that the
// file leads to. A file that Postfix does not read at all is put in place, so that every
// file is there at the reload.
//
//	virtmap-virtual   waits if its rows lead to aliases, mailboxes or refusals that
//	                  Postfix does not read.
//	virtmap-domains, virtmap-local  wait if virtmap-virtual waits or is not read: a
//	                  domain without rows would refuse its mail. They also wait if a
//	                  name moves from one of them to a list that is not read.
//	virtmap-aliases, virtmap-mailboxes, virtmap-uids, virtmap-gids, virtmap-transport
//	                  wait together with virtmap-virtual, if the new file does not have
//	                  a row to which old rows lead.
//	virtmap-senders   waits if the inventory does not ask for it and main.cf names it.
//	virtmap-relay     waits if one of its names moves to a list that waits or is not read.
func (s *serving) holds(dir string) func(name string) bool {
	n := s.build.needs
	virtual := s.mayRead(fileVirtual) && (n.aliases && !s.readsFile(fileAliases) || n.mailboxes && !s.delivers() || n.transport && !s.readsFile(fileTransport))
	rowless := virtual || !s.readsFile(fileVirtual)
	waits := map[string]bool{fileVirtual: virtual}
	lists := []string{fileDomains, fileLocal, fileRelay}
	for _, name := range lists {
		waits[name] = s.mayRead(name) && (rowless && name != fileRelay && s.uses(name) || s.movesAway(dir, name, func(to string) bool { return !s.readsFile(to) }))
	}
	for range lists { // a list that waits may make another list wait
		for _, name := range lists {
			waits[name] = waits[name] || s.mayRead(name) && s.movesAway(dir, name, func(to string) bool { return waits[to] })
		}
	}
	for _, name := range []string{fileAliases, fileMailboxes, fileUIDs, fileGIDs, fileTransport} {
		waits[name] = virtual && s.loses(dir, name)
	}
	_, _, waits[fileSenders] = s.namesSenders()
	waits[fileSenders] = waits[fileSenders] && !n.senders
	return func(name string) bool { return waits[mapfile.WithoutSuffix(name)] }
}

// uses reports whether the inventory needs a file.
func (s *serving) uses(name string) bool {
	return !s.build.Texts()[indexOf(name)].Unused
}

// indexOf returns the index of a file in Files.
func indexOf(name string) int {
	return slices.IndexFunc(Files, func(f mta.File) bool { return f.Name == name })
}

// rowsOf returns the rows of a file of the build.
func (s *serving) rowsOf(name string) mapfile.Rows {
	return s.build.Texts()[indexOf(name)].Rows
}

// installedRows returns the rows of an installed text; none without it.
func installedRows(dir, name string) mapfile.Rows {
	text, _ := regular.ReadIfThere(filepath.Join(dir, name)) // what cannot be read cannot be compared
	return readRows(text)
}

// loses reports whether an installed row is missing in the build.
func (s *serving) loses(dir, name string) bool {
	return len(mapfile.Missing(installedRows(dir, name), s.rowsOf(name))) > 0
}

// movesAway reports whether an installed name of a list is, in the build, in another list
// of which unread is true.
func (s *serving) movesAway(dir, from string, unread func(to string) bool) bool {
	for _, to := range []string{fileDomains, fileLocal, fileRelay} {
		if to == from || !unread(to) {
			continue
		}
		next := map[string]bool{}
		for key := range mapfile.All(s.rowsOf(to)) {
			next[string(key)] = true
		}
		for key := range mapfile.All(installedRows(dir, from)) {
			if next[string(key)] {
				return true
			}
		}
	}
	return false
}
