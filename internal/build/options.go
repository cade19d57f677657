package build

import (
	"io"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// Options say what a run does.
type Options struct {
	Inventory string // its path, as it was given
	// Load reads the inventory. An error is one of reading it; what is wrong
	// in it is in the list.
	Load        func(path string) (*inventory.Model, *diag.List, error)
	Servers     []*mta.Server // that an inventory may name, the default first
	Known       lint.Known    // their checks
	IncludeFrom []string      // folders that Load includes files from

	Folders        // as they were given
	MC      string // the server's sendmail.mc, in which our block is kept; empty: none
	MX      Asking // who is asked about MX records

	All      bool // Review works all out, also where nothing moved since the last run
	Adopt    bool // files that a person made are replaced
	DryRun   bool // nothing is written
	Quiet    bool // nobody hears of warnings
	Watched  bool // a person looks on, who is told everything every time
	Reloaded bool // the server was restarted since the last run
	Verify   bool // the files are proved over SMTP before they are put in place
	Undo     bool // the old files are put back when the command fails

	Plan     string    // a file with the plan that was reviewed; empty: none
	OnChange string    // the command that is run when something changed; empty: none
	Output   io.Writer // of that command
	Guards   Guards

	Keep    int           // how many older generations are kept
	Grace   time.Duration // how long the rows of a domain that left stay without a restart
	Wait    time.Duration // for another run that is at work
	Command string        // how the others are told what is at work
	Program string        // the version of this program
}

// Guards say what is taken for an accident.
type Guards struct {
	Allow      []string // words of the guards that let a change pass
	MaxRemoved int      // percent of the addresses; below zero: the inventory says it
	MinSize    int      // smaller tables are not guarded; below zero: the inventory says it
}

// Events are told what a run does while it is at work.
type Events interface {
	Stages
	// Tell is given a line about what is damaged, waited for or passed over.
	Tell(line string)
	// Faults is given the faults of an inventory, of which those of a severity
	// or more are told.
	Faults(sources *diag.Sources, faults *diag.List, least diag.Severity) error
	DNSEvents
	ProofEvents
	// Published is told when all files are in place, or would be in a dry run,
	// and before the command of OnChange is run.
	Published(r *Result)
	// Earlier is told what changed in runs before this one, of which nobody was
	// told.
	Earlier(kinds Kinds)
	// StillUnread is told when the command was run and the server does not read
	// all files yet.
	StillUnread(r *Result)
}

// Stages follow the parts of a long run.
type Stages interface {
	Enter(stage string)
	Rows(n int)
	Bytes(n int64)
	End() // of the last stage
}
