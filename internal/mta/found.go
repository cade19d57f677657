package mta

import (
	"errors"
	"time"
)

// A Folder describes a folder with installed files.
type Folder struct {
	Dir    string
	Host   string                                   // the name of the server
	Copies func(name string) (path string, ok bool) // returns the path of a sound copy of a text that virtmap wrote; nil: there are no copies
	Known  bool                                     // virtmap has written files into the folder
	Adopt  bool                                     // the build takes the place of what a person wrote
	Tell   func(line string)                        // receives a message for each damaged file that is passed over

	// Untouched reports whether a file is certainly as virtmap put it in place. A map
	// then has the rows of its text, and is not read to compare. nil: every file is read.
	Untouched func(path string) bool
}

// A Before is the installed set of a folder, before a run changes it. The files are
// opened by the first method that needs them. They are opened again only if more of
// them turn out to be damaged. A damaged file is passed over: the text is read instead
// of a damaged map, and the copy instead of a damaged text.
type Before interface {
	// Keep returns a build that still has the rows of the domains that leave, because a
	// server still takes mail for these domains until it is restarted. domains are
	// their names, sorted. Without such a domain, kept is next and domains is nil. next
	// comes from Compile of the same Server, and so does the Build of Pair.
	Keep(next Build, l Leave) (kept Build, domains []string, err error)
	// Pair prepares the comparison of the installed set with a build. damaged are the
	// paths of files that are known to be damaged. The error is ErrBlind if nothing can
	// be compared. The sets of the pair are open until Close.
	Pair(next Build, damaged []string) (Pair, error)
	// Instead returns what the last Pair compared instead of each damaged file: the key
	// is the path of the file, the value describes the substitute in words.
	Instead() map[string]string
	Close() error
}

// ErrBlind is the error of Before.Pair for a folder into which virtmap never wrote, if
// neither the map nor the text of the virtual addresses can be read.
var ErrBlind = errors.New("neither the map nor the text of the virtual addresses can be read")

// A Leave says until when the rows of domains that leave are kept.
type Leave struct {
	Restarted time.Time     // the last known restart of the server; zero: none is known
	Grace     time.Duration // the rows also go when the list of served domains has not changed for longer than this
	Now       time.Time
}

// A Kept is an earlier generation of files that a rollback is about to put back.
type Kept struct {
	Dir     string                            // the absolute path of the folder
	Here    bool                              // the folder is one of the server on this machine
	Content func(name string) ([]byte, error) // returns a stored file
	Started func(Conf, Remembered) time.Time  // returns when the running server read its configuration; zero: no server runs
	Before  Remembered
}

// An Unread names the file that the rows of a generation lead to, and says why the
// running server does not read it.
type Unread struct {
	File string
	Why  []string
}
