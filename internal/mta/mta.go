// Package mta has the type Server, which describes one kind of mail server. Each kind
// is one row of a table, in package servers. Package mtatest tests whether a Server
// keeps the contract of this package.
//
// A Server starts with data: its name, its checks, and its files in the order in which
// they are put in place. Work on files (write, compare, restore, bridge, look for
// drift) is a loop over Files; this code is the same for every server. Questions about
// addresses are asked through a Set.
//
// The other fields of a Server are functions. Every server has Compile, Open and Find.
// Every other function may be nil; its comment says what nil means.
//
// If a server cannot do what an inventory asks for, Compile reports a fault at the
// place in the inventory. No flags describe what a server can do.
//
// # Words
//
//	set         the files of a server together, which answer for addresses
//	table       a file of rows, such as the table of the virtual addresses
//	map         a table in the form in which the server looks up keys
//	served      said of a domain: the server takes its mail and delivers it
//	relayed     said of a domain: the server takes its mail and passes it on
//	held back   said of a domain: the inventory has it, but it is not served yet
//	to leave    said of a domain: to be no longer served, by a decision or the inventory
//	swap        to put a new set in the place of the old one, file by file
//	bridge      the form of a file during a swap, with the rows of both sets (Union)
//	generation  a set of files that was stored, so that a rollback can put it back
//	drift       installed files that contradict each other
package mta

import (
	"context"
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
	Name  string   // the value of host.server
	Dir   string   // the folder of its files, for a command without an inventory
	Maps  []string // the possible types of its maps; Compile adds a fault for any other type
	Files []File   // in the order in which they are put in place

	MapMode fs.FileMode // of a new map; 0: 0640, the mode that makemap gives it
	// TextEffect is the Effect of a changed table, instead of AtOnce, if the server reads
	// the text itself.
	TextEffect Effect
	Words      Words

	Checks     []*diag.Check // the checks of Compile and Check
	EditChecks []*diag.Check // the checks of Edit
	// Explained has a section for each check of the server's own, in the form of
	// internal/lint/catalogue.txt.
	Explained string

	// Compile makes the texts of the server's files from an inventory. It adds a fault,
	// with its place, for each thing that the server cannot do. The Build is never nil,
	// but it is written only if there are no errors. The same inventory gives the same
	// bytes on every machine.
	Compile func(m *inventory.Model, faults *diag.List) Build
	// Open opens the files of a place, in order to answer as the server would answer.
	// With an error, Open may also return a Set, of which only Seen and Close are
	// called. When a file that Seen lists has changed, the caller tries again. If the
	// Set is nil, the caller tries again each time.
	Open func(at Place, host Host) (Set, error)

	// Check adds those faults of Compile that need no rows: for what the server cannot
	// do in any inventory. Check is called instead of Compile for an inventory that is
	// not compiled, for example a file that another inventory includes. nil: there are
	// no such faults.
	Check func(m *inventory.Model, faults *diag.List)
	// Waits returns those faults of a Compile which say that mail waits for a domain
	// that is held back. nil: no mail waits.
	Waits func(faults *diag.List) []diag.Fault
	// Find returns the installed set of a folder. Find opens no file, and its result is
	// never nil.
	Find func(f Folder) Before
	// Conf reads the main configuration for a folder. here says that the files are
	// those of the server on this machine. A configuration that is not there is no
	// error: the Place of the Conf is empty. nil: no configuration is read.
	Conf func(dir string, here bool) (Conf, error)
	// Takes returns which domains the configuration of a folder takes mail for, before a
	// build has written into the folder: all that can be listed, and those of names, which
	// are asked for one by one. Without a configuration both are nil. nil: the Files
	// alone say it.
	Takes func(dir, host string, names []string) (served, relayed map[string]bool, err error)
	// Site returns what the main configuration of a folder says about the server. A
	// configuration that is not there is no error: the Site is zero. nil: nothing is
	// known.
	Site func(dir string) (Site, error)
	// Edit returns the new text of a file that a person maintains: src with the lines
	// for a build in it. lines reads a text of this file as lines, as File.Lines does.
	// Faults of src are added to the list. adopt says that the lines take the place of
	// those in which a person said what the inventory says. nil: there is no such file.
	Edit func(src *diag.Source, b Build, adopt bool, faults *diag.List) (text []byte, lines func([]byte) []string)
	// Marked says which lines of a person Edit took out of force in that file, each with
	// its number before a colon. nil: Edit leaves these lines alone.
	Marked func(before, after string) []string
	// Unread says which file the running server does not read, although the rows of a
	// generation lead to this file. A rollback to the generation is then refused. The
	// result is nil if there is no such file. nil: no rollback is refused for this
	// reason.
	Unread func(k Kept) (*Unread, error)
	// Named returns the files that a configuration of the folder still names, and the
	// paths of the configurations that name them. files and named are names of files in
	// the folder. ok is false if the configuration cannot be read. nil: the server has
	// no configuration to read.
	Named func(dir string, files []string) (named, by []string, ok bool)
	// Audit returns the faults of the installed files: files that the server refuses to
	// read, and files that its configuration should read and does not. AuditUsers
	// returns the faults of users, mailboxes and local aliases. With an error, both also
	// return the faults found so far. nil: there is nothing to audit.
	Audit, AuditUsers func(a Audited) ([]Complaint, error)
	// Import reads the files of a folder, which may be a copy of the server's folder, in
	// order to make an inventory of them. If there are aliases, they are read instead of
	// the alias files that the configuration names. nil: the server cannot be imported.
	Import func(dir string, host Host, aliases []string) (Imported, error)
	// Ask prepares the installed program to answer for files. An error that a person can
	// mend is an AskError. nil: the program cannot be asked.
	Ask func(ctx context.Context, a Asking) (Asked, error)
	// ImportLists judges lists as if they were tables of the server. nil: lists are not
	// judged by the rules of this server.
	ImportLists func(l Lists) (Imported, error)
	// Lists are the kinds of lists of package lists that have the form of this server.
	// ImportLists gets them by lists.ReadData, alone or with lists of the kinds aliases and
	// domains. nil: ImportLists takes every kind, read by lists.Read.
	Lists []string

	// MapGap is the least time between two swaps of one map, so that a server that has
	// the map open notices each of them. 0: the server needs no gap.
	MapGap time.Duration

	// MapType returns the type of the maps in a folder, as the last build wrote them;
	// empty if it is not known. nil: the type is never known.
	MapType func(dir string) (string, error)
}

// Words are what messages about a server say.
type Words struct {
	Config  string // the name of its main configuration: sendmail.cf
	Own     string // how the configuration calls the server's own name: $j
	Served  string // how it calls the domains that it takes mail for: class w
	Changed string // the word for a changed configuration in VIRTMAP_CHANGED: mc

	// Orders to a person, such as "restart sendmail".
	Reload  string // for the effect Restart, by the mildest means
	Restart string // for the effect Restart, by the surest means
	Rebuild string // for the effect Rebuild
	// Renew is for the effect Restart, if the server is told to read changed files again
	// and goes on. Empty: Reload and Restart are for it.
	Renew string
}

// MapTypeOf returns the type of the maps in a folder; empty if it is not known.
func (s *Server) MapTypeOf(dir string) (string, error) {
	if s.MapType == nil {
		return "", nil
	}
	return s.MapType(dir)
}

// Role says what a file is for.
type Role int

// Roles of files. A server has exactly one file with the role Addresses.
const (
	Other     Role = iota
	Addresses      // the table of the virtual addresses
	Served         // a list of domains that the server takes mail for
	Relayed        // a list of domains that it relays
)

// WithRole returns the files with a role.
func (s *Server) WithRole(role Role) (files []File) {
	for _, f := range s.Files {
		if f.Role == role {
			files = append(files, f)
		}
	}
	return files
}

// Of returns the first file with a role; ok is false if the server has none.
func (s *Server) Of(role Role) (File, bool) {
	for _, f := range s.Files {
		if f.Role == role {
			return f, true
		}
	}
	return File{}, false
}

// A File is one file of a server. A table has Rows and Row, every other file has Lines.
type File struct {
	Name string
	Role Role
	Mode fs.FileMode // of a new file; an existing file keeps its mode

	MapMode fs.FileMode // of a new map of a table; 0: that of the server

	// Rows returns the rows of the map that is made from a text, with the bytes that
	// the map has, for example a NUL at the end of each key. nil: the file is not a
	// table, and has no map.
	Rows func(text []byte) mapfile.Rows
	// Row returns a row of the map as a line of the text, without the line end. nil
	// only if the file is not a table.
	Row func(key, value string) string
	// Lines returns the contents of a text as lines that a person can read, without
	// comments. Two texts with the same lines, in any order, have the same meaning. nil
	// only if the file is a table.
	Lines func(text []byte) []string

	Effect Effect

	// Union says that rows or lines of other files lead to this file. While a set is
	// swapped, the file has the rows or lines of the old set and of the new set.
	Union bool
	// Join returns a text with the contents of the new text and of an old one, for a
	// file with Union that is not a table. nil: the lines of the old text that the new
	// one does not have are appended.
	Join func(next, old []byte) []byte
	// Emptied says that the configuration of the server may name this file. When the
	// inventory no longer needs the file, a file that virtmap once wrote becomes empty
	// and is not removed.
	Emptied bool
}

// Effect says what must happen before a server uses a changed file.
type Effect int

// Effects.
const (
	AtOnce  Effect = iota // nothing: the server sees the change
	Restart               // the server must be restarted, or must read its configuration again
	Rebuild               // the configuration must be generated again, and the server restarted
	Signer                // the program that signs mail must read the file again; the server does not
)

// A Text is the new content of a file.
type Text struct {
	Bytes  []byte
	Rows   mapfile.Rows // of the map, without a copy if possible; nil: the file is not a table
	Unused bool         // the inventory does not need this file
}

// A Build is an inventory in the form of one server. Each call reads again which domains
// of the Model are held back, because that may be decided after Compile.
type Build interface {
	// Texts returns the text of each file, in the order of Files.
	Texts() []Text
	// MapType returns the type of the maps: one of Maps.
	MapType() string
	// Set returns the set that the files would be once they are in place. Its accounts
	// are the users and the local aliases of the inventory.
	Set() Set
	// Inventory returns the inventory of the build.
	Inventory() *inventory.Model
	// Size returns the number of rows of the virtual addresses, and the bytes of their
	// text.
	Size() (rows int, bytes int64)
	// Place returns the place in the inventory from which a row of the virtual
	// addresses was made; ok is false if the table has no row with the key.
	Place(key string) (pos diag.Pos, ok bool)
}

// A Place says which files are opened. The files belong to the folder Dir. At returns
// the path from which each file is read, for example while the file is not in its
// folder yet; nil: each file is read from its own path, and only the files that the
// configuration names are read.
type Place struct {
	Dir string
	At  func(path string) string
}

// A Host describes what the caller knows about the server, and no file says.
type Host struct {
	Name    string                 // the server's own name
	Account func(name string) bool // reports whether the server has an account; nil: it has none
}

// A Set is a set of files that answers for addresses. It is safe for concurrent use.
type Set interface {
	// Route returns the outcome of mail from a stranger to an address, and every key
	// that was tried, in order. The field Open of the outcome is false, because only a
	// promise may be open. A key of the server's own aliases is in a table "aliases".
	Route(addr string) (outcome.Outcome, []outcome.Step)
	// Domains returns the domains that the server takes mail for, and the domains that
	// it relays.
	Domains() (served, relayed []string)
	// Rows returns the rows of the virtual addresses, in the order of
	// inventory.CompareKeys.
	Rows() (mapfile.Rows, error)
	// Warnings returns a line for each file that is missing, older than its text, or
	// not read; nil: there are none.
	Warnings() []string
	// Seen returns the stamp of each file that was opened or looked for, taken before
	// the file was opened.
	Seen() []Stamp
	Close() error
}

// Local is implemented by a Set that also knows local names, and the lists of domains
// that a build writes. Without it, local names are not followed to their recipients.
type Local interface {
	// Ends returns the final recipients of a local name, after the aliases of the set.
	Ends(name string) []string
	// Knows reports whether the server's own aliases have a name.
	Knows(name string) bool
	// Listed returns the domains in the files that a build writes.
	Listed() []string
}

// Ender is implemented by a Set that can tell by the value of a row where its mail ends,
// so that a search for one recipient need not try every row.
type Ender interface {
	// EndsThere reports whether mail to a value is refused, or ends at just this value: an
	// account without aliases, or an address at another server. false: it is not known.
	EndsThere(value string) bool
}

// Domains returns all domains of a set: first the served ones, then the relayed ones.
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
