package mta

import (
	"errors"
	"time"
)

// A Folder is one with installed files, and what is known of them.
type Folder struct {
	Dir    string
	Host   string                                   // the server's own name
	Copies func(name string) (path string, ok bool) // sound copies of texts that virtmap wrote; nil: none
	Known  bool                                     // virtmap wrote files there
	Tell   func(line string)                        // is told what is damaged and passed over

	// Untouched reports whether a file is for certain as virtmap put it in place: a
	// map then has the rows of its text. It may be nil: every file is read.
	Untouched func(path string) bool
}

// A Before is the set that a run finds in a folder. It is opened when it is first
// asked for, and again only where more of it turns out to be damaged. What is damaged
// is passed over: in place of a map its text is read, in place of a text its copy.
type Before interface {
	// Keep gives a build that still has the rows of domains which leave, and names
	// them: a server that was not restarted yet takes their mail.
	Keep(next Build, l Leave) (kept Build, domains []string, err error)
	// Pair prepares the comparison with a build. damaged are files that are known to
	// be damaged. The error is ErrBlind where nothing can be compared. The sets of the
	// pair are open until Close.
	Pair(next Build, damaged []string) (Pair, error)
	// Instead says what was compared in place of each damaged file, by path.
	Instead() map[string]string
	Close() error
}

// ErrBlind says that neither the map nor the text of the virtual addresses can be
// read, in a folder in which virtmap never wrote.
var ErrBlind = errors.New("neither the map nor the text of the virtual addresses can be read")

// A Leave says when the rows of domains that left may go.
type Leave struct {
	Restarted time.Time     // when the server was restarted last, as far as that is known
	Grace     time.Duration // rows go too when the names did not change for so long
	Now       time.Time
}

// A Kept is a generation that is to be put back.
type Kept struct {
	Dir     string                            // the folder, from the root
	Here    bool                              // the folder is one of this machine's server
	Content func(name string) ([]byte, error) // of a file that is stored
	Started func(Conf, Remembered) time.Time  // when the running server read its configuration
	Before  Remembered
}

// Unread says that the rows of a generation lead to a file that the running server
// does not read.
type Unread struct {
	File string
	Why  []string
}
