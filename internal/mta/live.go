package mta

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Conf is the main configuration of a server, as read for one folder.
type Conf interface {
	// Reading works out what the running server reads of a build. dir is the folder of
	// the build's files. started is the time at which the server read its
	// configuration; it is zero if no server runs. before is the last Remember of an
	// earlier Reading; it is the zero Remembered if there is none.
	Reading(b Build, dir string, started time.Time, before Remembered) Reading
	// Daemon returns the running server; runs is false if there is none. elsewhere says
	// that the folder belongs to another server than the one of this machine.
	Daemon(elsewhere bool) (d Daemon, runs bool)
	// PidFiles returns the paths of the files that a server writes at every start.
	// elsewhere is as for Daemon.
	PidFiles(elsewhere bool) []string
	// Place returns the path of the configuration; empty if there is no configuration.
	Place() string
}

// A Reading says what the running server reads of a build. A server reads its
// configuration when it starts. A later change of the configuration counts only after
// the next start.
type Reading struct {
	Gaps  []Gap
	Stale bool     // the configuration was changed after the start of the running server
	Says  []string // what is missing, one line each

	// Remember is stored until the next build, whose Reading gets it as before. nil:
	// what was stored stays.
	Remember *Remembered
	// Holds reports whether the file with a name must wait. With this file, the server
	// would refuse mail until it also reads the other files that this file leads to.
	Holds func(name string) bool
	// Steps returns what a person must do so that the server reads everything, in
	// order. Lines to be written into a file are indented.
	Steps func() []string
}

// Complete reports whether the server reads everything.
func (r *Reading) Complete() bool { return len(r.Gaps) == 0 && !r.Stale }

// Judge fills in what follows from the Gaps of a configuration that was changed last at a
// time: Stale, Says and Remember. reads is what a server reads that starts now.
func (r *Reading) Judge(path string, changed, started time.Time, reads []string, before Remembered) {
	for _, g := range r.Gaps {
		r.Says = append(r.Says, cmp.Or(g.Path, path)+": "+g.What)
	}
	same := before.Started.Equal(started) && slices.Equal(before.Reads, reads)
	if r.Stale = !started.IsZero() && changed.After(started) && !same; r.Stale {
		r.Says = append(r.Says, path+" was changed after the running server read it")
	}
	if r.Complete() && !started.IsZero() {
		r.Remember = &Remembered{Started: started, Reads: reads}
	}
}

// Complaints returns the gaps of a configuration as complaints. A gap of a configuration
// that is not found has the folder as its place.
func Complaints(c Conf, a Audited) (all []Complaint) {
	for _, g := range c.Reading(a.Build, a.Dir, time.Time{}, Remembered{}).Gaps {
		all = append(all, Complaint{Place: cmp.Or(g.Path, a.Dir), Text: g.What, Mend: g.Write})
	}
	return all
}

// AuditConf returns as complaints what the configuration of a folder does not read of a
// build, if the server reads from this folder. read is Server.Conf.
func AuditConf(read func(dir string, here bool) (Conf, error), a Audited) ([]Complaint, error) {
	if !a.Live {
		return nil, nil
	}
	c, err := read(a.Dir, a.Here)
	if err != nil {
		return nil, err
	}
	return Complaints(c, a), nil
}

// A Gap is something that the main configuration must read and does not read.
type Gap struct {
	Path  string // of the configuration
	Line  int    // of the line that clashes; 0: no line clashes, something is missing
	What  string
	Write string // the exact line to write
}

// Remembered is what the running server read when it was started. It is stored from
// build to build. Without it, a configuration that was generated again with the same
// lines would look like a change, and every build until the next restart would stop.
type Remembered struct {
	Started time.Time `json:"started"`
	Reads   []string  `json:"reads"`
}

// A Daemon is a running server.
type Daemon struct {
	Started time.Time // when it started, or last read its configuration again
	Coarse  bool      // Started is computed, and two calls may differ by some milliseconds
}

// A Site is what the main configuration of a folder says about the server.
type Site struct {
	Name  string // the server's own name; empty: the configuration has none
	Owner string // the owner of maps, by name or number; empty: the user who runs the build
}

// Audited describes the installed files that an audit looks at.
type Audited struct {
	Dir     string
	Build   Build
	Here    bool                   // the files are those of the server on this machine
	Live    bool                   // the server reads from the folder
	Owner   int                    // the user ID of the owner of maps; -1: the configuration names none
	Account func(name string) bool // reports whether this machine has an account
	Other   string                 // the server of the inventory if this machine has another name; empty: it is this one
}

// NoAccount is the complaint about a user of the inventory who is no account.
func (a *Audited) NoAccount(place, user string) Complaint {
	mend := "useradd " + user
	if a.Other != "" {
		mend += ", or run this on " + a.Other
	}
	return Complaint{Place: place, Text: fmt.Sprintf("user %q is no account of this machine", user), Mend: mend}
}

// A Complaint is a fault of the installed files.
type Complaint struct {
	Place string // a file, with the line if it is known
	Text  string
	Mend  string // a command, or what to write; empty: no remedy is known
}
