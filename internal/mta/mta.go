// Package mta says what a kind of mail server is to virtmap: a row of a table.
//
// A Server is data first, its files in order, then functions. Compile and Open
// are what every server has. The functions below them may be nil: a server that
// has none cannot do it, and the commands say so. What is done to files (write,
// compare, restore, bridge, look for drift) loops over Files and knows no server.
// What is asked about addresses is asked of a Set.
//
// What a server cannot do with an inventory is a fault of Compile, with its
// place; there are no flags of capabilities.
//
// Package servers has the table, package mtatest the contract as a test.
package mta

import (
	"io/fs"
	"iter"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A Server is a kind of mail server.
type Server struct {
	Name  string   // as host.server has it
	Dir   string   // where its files are by default
	Maps  []string // how its tables may be stored, the default first
	Files []File   // in the order in which they are put in place

	Checks     []*diag.Check // what Compile may report
	EditChecks []*diag.Check // what Edit may report

	// Compile makes of an inventory what the server's files say. Faults are added
	// to the list: what the server cannot do, each with its place.
	Compile func(m *inventory.Model, faults *diag.List) Build
	// Open opens files, to be asked as the server would ask them. Where they cannot
	// be read, the set may be there beside the error: its Seen tells when to try again.
	Open func(at Place, host Host) (Set, error)
	// Pair prepares two sets of one server to be compared. It may be nil: then
	// nothing is known to be the same, and every address is asked about.
	Pair func(old, next Set) Pair

	// Check adds what an inventory says and the server cannot do at all. Compile does
	// that too. It may be nil.
	Check func(m *inventory.Model, faults *diag.List)
	// Waits gives, of the faults of a Compile without the domains that are held back,
	// the rows that wait for such a domain. It may be nil.
	Waits func(faults *diag.List) []diag.Fault
	// Find gives the set that a run finds in a folder.
	Find func(f Folder) Before
	// Conf reads the main configuration of a folder. here says that the files are those
	// of this machine's server. It may be nil: the configuration is not looked at.
	Conf func(dir string, here bool) (Conf, error)
	// Site is what the configuration of a folder says of the server. It may be nil.
	Site func(dir string) (Site, error)
	// Edit gives the text of a file that a person maintains with the lines of a build in
	// it, and how its lines are read. It may be nil: there is no such file.
	Edit func(src *diag.Source, b Build, faults *diag.List) (text []byte, lines func([]byte) []string)
	// Unread says whether the rows of a generation lead to a file that the running
	// server does not read; nil: they do not. It may be nil.
	Unread func(k Kept) (*Unread, error)
	// Named gives those of some files of a folder that a configuration still names, and
	// the configurations that do. ok is false where that cannot be told. It may be nil.
	Named func(dir string, files []string) (named, by []string, ok bool)
	// Audit names what is wrong about installed files and what the configuration reads of
	// them, AuditUsers what about users, mailboxes and local aliases. Either may be nil.
	Audit, AuditUsers func(a Audited) ([]Complaint, error)
	// MapGap is how far apart two swaps of one map must be for a server that has the
	// map open.
	MapGap time.Duration

	// MapType gives the map type of the files of a folder, as the last build wrote
	// them; empty where none is known. It may be nil: the type is not known.
	MapType func(dir string) (string, error)
}

// MapTypeOf gives the map type of the files of a folder; empty where it is not
// known.
func (s *Server) MapTypeOf(dir string) (string, error) {
	if s.MapType == nil {
		return "", nil
	}
	return s.MapType(dir)
}

// Role is what a file is to virtmap.
type Role int

// Roles of files. A server has one file of addresses.
const (
	Other     Role = iota
	Addresses      // the table of the virtual addresses
	Served         // the domains that the server takes mail for
	Relayed        // the domains that it relays
)

// Of is the file of a role, where the server has one.
func (s *Server) Of(role Role) (File, bool) {
	for _, f := range s.Files {
		if f.Role == role {
			return f, true
		}
	}
	return File{}, false
}

// A File is one file of a server.
type File struct {
	Name string
	Role Role
	Mode fs.FileMode // of a file that is new

	// Rows reads the text of a table as its map has it; nil: the file is no table
	// and has no map.
	Rows func(text []byte) mapfile.Rows
	// Row writes a row of a table as a line of its text.
	Row func(key, value string) string
	// Lines gives what a text that is no table says, without comments, each line
	// for a person to read. Two texts with the same lines say the same.
	Lines func(text []byte) []string

	Changed string // the word for --on-change: map, names, mc, …
	Effect  Effect

	// Union says that other files lead to this one: while a set is swapped, it has
	// the rows or lines of the old set too.
	Union bool
	// Emptied says that the server's configuration may name the file: once it was
	// written, it is emptied and not left out when an inventory needs it no more.
	Emptied bool
}

// Effect says what must happen before a server uses a file that changed.
type Effect int

// Effects, from the least to the most.
const (
	AtOnce  Effect = iota // nothing
	Restart               // the server must be restarted, or reread its configuration
	Rebuild               // its configuration must be made anew, and the server restarted
)

// A Text is what a file is to be.
type Text struct {
	Bytes  []byte
	Rows   mapfile.Rows // of the map; nil: the file is no table
	Unused bool         // the inventory needs no such file
}

// A Build is what an inventory becomes on a server. Which domains are served is
// read of the Model each time, so that a decision about them needs no compiling
// again.
type Build interface {
	// Texts gives the text of each of the server's Files, in their order.
	Texts() []Text
	// MapType is one of the server's Maps.
	MapType() string
	// Set is the set as if the files were in place. Its accounts are the users and
	// the local aliases of the inventory.
	Set() Set
	// Inventory is what the build was made of.
	Inventory() *inventory.Model
	// Size is the number of rows of the virtual addresses, and the bytes of their text.
	Size() (rows int, bytes int64)
	// Place gives the place in the inventory that made a row of the virtual
	// addresses.
	Place(key string) (pos diag.Pos, ok bool)
}

// A Place says which files are opened: those of a folder, each where at finds
// it. A nil at leaves them where they are.
type Place struct {
	Dir string
	At  func(path string) string
}

// A Host is the server as far as no file says.
type Host struct {
	Name    string                 // the server's own name
	Account func(name string) bool // its accounts; nil: none
}

// A Set is a set of files that can be asked. It is safe for concurrent use.
type Set interface {
	// Route gives what becomes of mail from a stranger for an address, and every
	// key that was tried, in order.
	Route(addr string) (outcome.Outcome, []outcome.Step)
	// Domains are those that the server takes mail for, and those that it relays.
	Domains() (served, relayed []string)
	// Rows are those of the virtual addresses, sorted as inventory orders keys.
	Rows() (mapfile.Rows, error)
	// Warnings say what is missing, older than its text, or not read.
	Warnings() []string
	// Seen are the files that were opened or looked for.
	Seen() []Stamp
	Close() error
}

// Local is what a Set may know beside: local names, and lists that a build writes.
type Local interface {
	// Ends gives the recipients that a local name leads to by the aliases of the set.
	Ends(name string) []string
	// Knows reports whether the server's own aliases have a name.
	Knows(name string) bool
	// Listed are the domains in the files that a build writes.
	Listed() []string
}

// A Pair is two sets of one server that are to be compared.
type Pair struct {
	Old, Next Set
	// Same reports whether a value that a row has in both sets leads to the same
	// end in both. Where that is not known the answer is no.
	Same func(value []byte) bool
	// SameRole reports whether both sets serve a domain, or relay it, or neither.
	SameRole func(domain string) bool
}

// NewPair is the Pair of two sets of which nothing is known to be the same but the
// roles of their domains.
func NewPair(old, next Set) Pair {
	was, is := roles(old), roles(next)
	return Pair{
		Old: old, Next: next,
		Same:     func([]byte) bool { return false },
		SameRole: func(domain string) bool { return was[domain] == is[domain] },
	}
}

// roles is 1 for the domains that a set serves, 2 for those that it relays.
func roles(s Set) map[string]int {
	all := map[string]int{}
	served, relayed := s.Domains()
	for _, name := range relayed {
		all[name] = 2
	}
	for _, name := range served {
		all[name] = 1
	}
	return all
}

// Domains gives all domains of a set.
func Domains(s Set) iter.Seq[string] {
	return func(yield func(string) bool) {
		served, relayed := s.Domains()
		for _, list := range [][]string{served, relayed} {
			for _, name := range list {
				if !yield(name) {
					return
				}
			}
		}
	}
}
