package mta

import "time"

// A Conf is the main configuration of a folder, as it was read.
type Conf interface {
	// Reading works out what the running server reads of a build whose files are in
	// a folder. started is when the server read its configuration, zero where none
	// runs; before is what was remembered of an earlier Reading.
	Reading(b Build, dir string, started time.Time, before Remembered) Reading
	// Daemon gives the server that runs. elsewhere says that the folder is not the
	// one of this machine's server.
	Daemon(elsewhere bool) (d Daemon, runs bool)
	// PidFiles are the files that a running server writes at every start.
	PidFiles(elsewhere bool) []string
	// Place is the path of the configuration; empty where there is none.
	Place() string
}

// A Reading says what the running server reads of a build. A server reads its
// configuration when it starts: what the file says counts only from then on.
type Reading struct {
	Gaps  []Gap
	Stale bool     // the running server was started before its configuration was changed
	Says  []string // what is missing, a line each

	// Remember is what is to be remembered; nil: nothing new is known.
	Remember *Remembered
	// Holds reports whether a file, by its name, must wait: the server would refuse
	// mail as long as it does not read what the file leads to.
	Holds func(name string) bool
	// Steps are what a person does to have everything read, in order. Lines of a file
	// are indented.
	Steps func() []string
}

// Complete reports whether everything is read.
func (r *Reading) Complete() bool { return len(r.Gaps) == 0 && !r.Stale }

// A Gap is something that a main configuration must read and does not.
type Gap struct {
	Path  string // of the configuration
	Line  int    // of what clashes; 0: nothing is there
	What  string
	Write string // the line to write
}

// Remembered is what is kept of a Reading from build to build: what the running
// server read when it was started. Without it a configuration that was made anew,
// with the same lines, would stop every build until the next restart.
type Remembered struct {
	Started time.Time `json:"started"`
	Reads   []string  `json:"reads"`
}

// A Daemon is a server that runs.
type Daemon struct {
	Started time.Time // or read its configuration again
	Coarse  bool      // the time was worked out, and may differ a little from run to run
}

// A Site is what the main configuration of a folder says of the server.
type Site struct {
	Name  string // what the server calls itself; empty: it does not say
	Owner string // the user that maps belong to, by name or number; empty: the one who builds
}

// Audited are installed files that are looked at.
type Audited struct {
	Dir     string
	Build   Build
	Here    bool                   // the files are those of this machine's server
	Live    bool                   // the server reads from the folder
	Owner   int                    // the user that maps belong to; -1: none is named
	Account func(name string) bool // accounts of this machine
}

// A Complaint is something that is wrong about installed files.
type Complaint struct {
	Place string // a file, with a line where that is known
	Text  string
	Mend  string // a command, or what to write; empty: none is known
}
