// Package intake makes an inventory of what a mail server has: the rows of its
// virtusertable, with the comments of the text beside the map; class w; and the
// aliases that rows lead to.
//
// The rows are those that sendmail reads: of the map that its configuration
// names, or of the text where there is none. Lines of the text that are not in
// the map are kept as comments. What a row means is asked of the Router over
// the old files, so that a row that sendmail answers with an error becomes a
// reject with that answer. A row that no inventory can say is kept as a comment
// with the reason.
//
// An inventory is written, read and compiled; what that finds wrong with a row
// makes the row a reject or a comment, and it is written again. At the end both
// Routers are asked about every address (Prove).
package intake

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A Server is what is imported.
type Server struct {
	Warnings []string // what is odd about its files

	router  *virtuser.Router  // over its files
	own     virtuser.Lookup   // aliases that a build writes anew; nil: none
	site    virtuser.Lookup   // aliases that stay
	table   *virtuser.Table   // sorted
	names   []string          // of class w, and relayed
	lines   lines             // of the text
	leading map[string]string // an address that leads to an alias
	generic map[string]string
	mapType string
	mailDir string // empty: the usual one
	close   func() error
}

// genericstable is the table of the addresses that local users send from.
const genericstable = "genericstable"

// Sendmail opens the files of a sendmail server. aliases are read instead of
// the alias files that its configuration names, where there are any.
func Sendmail(l fileset.Layout, aliases []string, account func(name string) bool) (*Server, error) {
	set, err := fileset.OpenServer(l, aliases, account)
	if err != nil {
		return nil, err
	}
	s := &Server{router: set.Router, own: set.OwnAliases(), site: set.SiteAliases(), names: set.Names(), mapType: set.MapType(), close: set.Close}
	home, known := l.Home()
	if known && home != mcfile.DefaultDir {
		s.mailDir = home
	}
	if s.table, err = set.Table(); err != nil {
		return nil, errors.Join(err, set.Close())
	}
	text, err := readIfThere(l.Place(l.Table))
	if err == nil {
		s.lines = readLines(string(text), s.table)
		s.generic, err = readGenerics(l.Place(filepath.Join(home, genericstable)))
	}
	if err != nil {
		return nil, errors.Join(err, set.Close())
	}
	s.Warnings = set.Warnings
	return s, nil
}

func readIfThere(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// readGenerics reads a genericstable, or its map.
func readGenerics(path string) (map[string]string, error) {
	found := map[string]string{}
	take := func(key, value []byte) error {
		found[string(mapfile.WithoutNUL(key))] = string(mapfile.WithoutNUL(value))
		return nil
	}
	for _, typ := range mapfile.Types {
		f, err := mapfile.Open(path + typ.Suffix)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && typ.Suffix != "" {
			err = errors.Join(f.Each(take), f.Close())
			return found, err
		}
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	text, err := readIfThere(path)
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0][0] != '#' {
			found[strings.ToLower(fields[0])] = fields[1]
		}
	}
	return found, err
}

// Close closes the maps.
func (s *Server) Close() error { return s.close() }

// Rows is how many rows there are.
func (s *Server) Rows() int { return s.table.Len() }

// taken reports whether rows of a domain are looked at.
func (s *Server) taken(domain string) bool {
	return domain == s.router.Host || s.router.ClassW(domain)
}

// read reports whether sendmail reads a row with a key.
func (s *Server) read(key string) bool {
	_, ok := s.table.Get([]byte(key))
	return ok && s.taken(key[strings.LastIndexByte(key, '@')+1:])
}

// split tells the host's own names, which have no rows, from the domains, and
// names neither that is class w only because of sendmail itself.
func (s *Server) split(withRows map[string]bool) (own, domains []string) {
	have := maps.Clone(withRows)
	for _, name := range s.names {
		switch {
		case withRows[name] || name == s.router.Host:
		case s.isOwn(name):
			own = append(own, name)
		default:
			have[name] = true
		}
	}
	slices.Sort(own)
	return slices.Compact(own), slices.Sorted(maps.Keys(have))
}

// isOwn takes a name that no mail comes to from outside for the host's own.
func (s *Server) isOwn(name string) bool {
	switch {
	case s.relayed(name):
		return false
	case strings.HasPrefix(name, "["), !strings.Contains(name, "."):
		return true
	}
	return name == "localhost.localdomain" || strings.HasPrefix(name, "localhost.")
}

func (s *Server) relayed(name string) bool { return s.router.Relayed != nil && s.router.Relayed(name) }

// alias gives the right side of an alias.
func alias(file virtuser.Lookup, name string) (right string, ok bool) {
	if file == nil {
		return "", false
	}
	for _, key := range []string{name, name + "\x00"} {
		if value, ok, err := file([]byte(key)); ok && err == nil {
			return strings.TrimSuffix(string(value), "\x00"), true
		}
	}
	return "", false
}

// usualMap is the map type that an inventory need not name.
const usualMap = string(inventory.MapHash)
