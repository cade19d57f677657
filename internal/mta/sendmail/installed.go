package sendmail

import (
	"errors"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
	"virtmap/virtuser"
)

// An Installed is a set of open files that answers for addresses.
type Installed struct {
	Router *virtuser.Router
	lookups

	// EachRow calls row with every row of the virtusertable, until row returns an
	// error.
	EachRow func(row func(key, value []byte) error) error

	names     []string                          // of class w
	virtual   []string                          // of class {VirtHost}
	relayed   []string                          // of class R, of the file that a build writes
	ours      []string                          // domains in the files that a build writes
	stays     struct{ names, relayed []string } // names of class w and class R in other files and in the configuration
	own       virtuser.Lookup                   // virtmap's alias file alone; nil: it is not read
	ownText   string                            // the path of virtmap's alias file
	site      virtuser.Lookup                   // the server's own alias files
	typ       string                            // type of the maps; empty: the first type that is found
	foreign   bool                              // the map has a class that virtmap cannot read
	text      string                            // path of the virtusertable
	rows      *mapfile.File                     // the map of the virtusertable; nil: there is no map
	tables    []tableFile                       // files that are read: the virtusertable and alias files
	lenient   bool                              // a missing file counts as empty
	untouched func(path string) bool            // a file is certainly as a build put it in place; nil: it is not known
	at        func(path string) string
	open      []*mapfile.File
	seen      []mta.Stamp // every file that was opened or looked for
	warnings  []string    // each file that is missing, older than its text, or not read
}

// Open opens the files that the configuration of a folder names. The folder may be a
// copy of a server's folder. If it has no configuration, Open opens the files that a
// build writes. If a text has a map, the map is read. host is the server's own name.
// account reports whether the server has an account.
func Open(dir, host string, account func(string) bool) (set *Installed, err error) {
	l, err := ReadLayout(dir)
	if err != nil {
		return nil, err
	}
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}, at: l.Place, lenient: !l.live}
	set.watch(filepath.Join(dir, conf.CFName))
	return set, set.load(l, true)
}

// OpenAt opens the files of a build, even if they are not in their places yet, or if
// the configuration does not name them yet. at returns the path from which the file of
// a path is read. The server's own alias files are those that the configuration names.
func OpenAt(dir string, at func(path string) string, host string, account func(string) bool) (set *Installed, err error) {
	l, err := ReadLayout(dir)
	if err != nil {
		return nil, err
	}
	set = &Installed{Router: &virtuser.Router{Host: host, Account: account}, at: at}
	return set, set.load(l.asBuilt(), false)
}

// asBuilt returns the layout after the configuration names the files of a build.
func (l Layout) asBuilt() Layout {
	site := l.Aliases
	l.conf = conf.Parse("")
	l.unconfigured()
	if named := slices.ContainsFunc(site, func(a conf.AliasFile) bool { return l.ours(a.Path, mcfile.Aliases) }); named {
		l.Aliases = site
	} else {
		l.Aliases = append(l.Aliases, site...)
	}
	return l
}

// OpenServer opens the files of a server, wherever they are. A missing file counts as
// empty, with a warning. If aliases is not empty, these alias files are read instead of
// the server's own ones that the configuration names.
func OpenServer(l Layout, aliases []string, account func(string) bool) (set *Installed, err error) {
	set = &Installed{Router: &virtuser.Router{Host: l.Host, Account: account}, at: l.Place, lenient: true}
	if len(aliases) > 0 {
		l.Aliases = slices.DeleteFunc(slices.Clone(l.Aliases), func(a conf.AliasFile) bool { return !l.ours(a.Path, mcfile.Aliases) })
		given := map[string]bool{}
		for _, path := range aliases {
			path = mapfile.WithoutSuffix(path)
			given[path] = true
			l.Aliases = append(l.Aliases, conf.AliasFile{Path: path})
		}
		set.at = func(path string) string {
			if given[mapfile.WithoutSuffix(path)] {
				return path
			}
			return l.Place(path)
		}
	}
	return set, set.load(l, true)
}

// Table returns the rows of the virtusertable, sorted. If the text is sorted and has
// the same rows as the map, the text is used, because reading it is faster.
func (s *Installed) Table() (*virtuser.Table, error) {
	if text, err := regular.Read(s.at(s.text), regular.NoLimit); err == nil && s.text != "" {
		if t, sorted := virtuser.ReadSorted(text); sorted && (s.isOfText() || s.has(t)) {
			return t, nil
		}
	}
	var failed error
	t := virtuser.SortedTable(func(yield func(key, value []byte) bool) {
		failed = s.EachRow(func(key, value []byte) error {
			if !yield(mapfile.WithoutNUL(key), mapfile.WithoutNUL(value)) {
				return errEnough
			}
			return nil
		})
	})
	s.Release()
	return t, failed
}

// isOfText reports whether the map of the virtusertable was made of its text for
// certain.
func (s *Installed) isOfText() bool {
	return s.untouched != nil && s.rows != nil && s.untouched(s.at(s.text)) && s.untouched(s.rows.Path())
}

// InMemory returns a Router that looks up rows in a table instead of the virtusertable,
// if both have the same rows. Questions about most addresses of a large map would
// otherwise bring the whole map into memory beside the table.
func (s *Installed) InMemory(t *virtuser.Table) *virtuser.Router {
	if !s.has(t) {
		return s.Router
	}
	r := *s.Router
	r.Rows = t.Lookup
	return &r
}

var errEnough = errors.New("enough")

// has reports whether the map of the virtusertable has the rows of a table.
func (s *Installed) has(t *virtuser.Table) bool {
	if s.rows == nil {
		return true
	}
	sum, err := s.rows.Sum()
	return err == nil && sum == mapfile.SumOf(t)
}

// Names returns the domains of the set: class w, class {VirtHost}, and the relayed
// domains in the file that a build writes.
func (s *Installed) Names() []string { return slices.Concat(s.names, s.virtual, s.relayed) }

// ClassW returns the names of class w.
func (s *Installed) ClassW() []string { return slices.Clone(s.names) }

// Virtual returns the names of class {VirtHost}.
func (s *Installed) Virtual() []string { return s.virtual }

// Listed returns the domains in the files that a build writes.
func (s *Installed) Listed() []string { return s.ours }

// Staying returns the domains that the server takes mail for, whatever a build writes:
// those in the configuration and in the server's own files.
func (s *Installed) Staying() []string { return slices.Concat(s.stays.names, s.virtual) }

// WithSite adds to a Router over the files of a build what the server has of its own:
// its aliases, the names in its configuration and files, and the hosts to which it
// passes mail on.
func (s *Installed) WithSite(r *virtuser.Router) {
	r.Aliases = r.Aliases.Before(s.site)
	r.ClassW = either(r.ClassW, lineSet(s.stays.names))
	r.Relayed = either(r.Relayed, lineSet(s.stays.relayed))
	r.Virtual, r.Entire, r.Relays = s.Router.Virtual, s.Router.Entire, s.Router.Relays
	r.Ready()
}

// either returns a class with the names of two classes. a may be nil.
func either(a, b func(string) bool) func(string) bool {
	if a == nil {
		return b
	}
	return func(name string) bool { return a(name) || b(name) }
}

// MapType returns the map type of the virtusertable: the type that the configuration
// names, or the type of the map that was found.
func (s *Installed) MapType() string {
	switch {
	case s.typ != "" && !s.foreign:
		return s.typ
	case s.rows != nil:
		return s.rows.Type.Name
	}
	return readTypes[0].Name
}

// SiteAliases returns the server's own alias files.
func (s *Installed) SiteAliases() virtuser.Lookup { return s.site }

// OwnAliases returns virtmap's alias file alone; nil if it is not read.
func (s *Installed) OwnAliases() virtuser.Lookup { return s.own }

// Route returns the outcome of mail to an address, and every key that was tried.
func (s *Installed) Route(addr string) (outcome.Outcome, []outcome.Step) {
	return route(s.Router, addr)
}

func route(r *virtuser.Router, addr string) (outcome.Outcome, []outcome.Step) {
	o := r.Route(addr)
	return o.Plain(), o.Trace
}

// Domains returns the names of class w and class {VirtHost}, and the relayed domains in
// the file that a build writes.
func (s *Installed) Domains() (served, relayed []string) {
	return slices.Concat(s.names, s.virtual), s.relayed
}

// Rows returns the rows of the virtusertable, sorted.
func (s *Installed) Rows() (mapfile.Rows, error) { return s.Table() }

// Ends returns the final recipients of a local name, after the alias files.
func (s *Installed) Ends(name string) []string { return s.Router.Ends(name) }

// Knows reports whether the server's own alias files have a name.
func (s *Installed) Knows(name string) bool {
	_, aliased := s.site.Alias(name)
	return aliased
}

// Warnings returns a line for each file that is missing, older than its text, or not
// read.
func (s *Installed) Warnings() []string { return s.warnings }

// Seen returns the stamp of every file that was opened or looked for.
func (s *Installed) Seen() []mta.Stamp { return s.seen }

// Release frees the memory of those parts of the maps that were read.
func (s *Installed) Release() {
	for _, f := range s.open {
		f.Release()
	}
}

// Close closes the maps.
func (s *Installed) Close() (err error) {
	for _, f := range s.open {
		err = errors.Join(err, f.Close())
	}
	s.open = nil
	return err
}
