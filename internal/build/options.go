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
	Inventory string // the path of the inventory, as it was given
	// Load reads the inventory. The error says that it could not be read; its faults
	// are in the list.
	Load        func(path string) (*inventory.Model, *diag.List, error)
	Servers     []*mta.Server // the servers that an inventory may name, the default first
	Known       lint.Known    // the checks of the servers
	IncludeFrom []string      // further folders for included files

	Folders        // as they were given
	Config  string // a file of the server's configuration, in which a build keeps a block of lines; empty: none
	MX      Asking // the source of MX records

	All      bool // Review works everything out, also if nothing changed since the last run
	Adopt    bool // files that a person made may be replaced
	DryRun   bool // nothing is written
	Quiet    bool // warnings are not reported
	Watched  bool // a person watches, and gets all messages every time
	Reloaded bool // the server was restarted since the last run
	Figures  bool // the Result has its Figures
	Verify   bool // the files are proved over SMTP before they are in place
	Undo     bool // if the command fails, the old files are put back

	Plan     string    // the file of a reviewed plan; empty: none
	OnChange string    // the command to run after a change; empty: none
	Output   io.Writer // the output of the command
	Guards   Guards

	Keep    int           // the number of older generations to keep
	Grace   time.Duration // how long rows of a domain that left are kept without a restart
	Wait    time.Duration // how long to wait for another run
	Command string        // the name of the work, shown to other runs
	Program string        // the version of this program
}

// Guards say which changes are taken for an accident.
type Guards struct {
	Allow      []string // words of the guards that accept every change
	MaxRemoved int      // percentage of the addresses; below zero: the value of the inventory
	MinSize    int      // smaller tables have no guard; below zero: the value of the inventory
}

// Events receive messages from a run while it works.
type Events interface {
	Stages
	// Tell receives a line about a damaged file, a wait, or a file that is skipped.
	Tell(line string)
	// Faults receives the faults of an inventory. Those below the severity least are
	// not reported.
	Faults(sources *diag.Sources, faults *diag.List, least diag.Severity) error
	DNSEvents
	ProofEvents
	// Published is called when all files are in place, or would be in place in a dry
	// run. It is called before the command of OnChange.
	Published(r *Result)
	// Earlier receives what changed in earlier runs that could not run the command.
	Earlier(kinds string)
	// StillUnread is called after the command of OnChange if the server does not yet
	// read all files.
	StillUnread(r *Result)
}

// Stages receive the parts of a long run.
type Stages interface {
	Enter(stage string)
	Rows(n int)
	Bytes(n int64)
	End() // of the last stage
}
