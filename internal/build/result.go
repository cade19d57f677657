package build

import (
	"fmt"

	"virtmap/hostnames"
	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// A Result says what a run did, or what a dry run would have done.
type Result struct {
	publish.Report
	Folders
	Server    *mta.Server
	Host      *inventory.Host
	Inventory string // the name of the inventory
	Contents  string // what is written, in numbers
	Config    string // the file of Options.Config, after following links

	Kinds Kinds // what changed
	Live  bool  // the server reads from the folder
	Runs  bool  // the command of OnChange is run

	Configured bool     // the run keeps the server's main configuration itself
	Reads      Reads    // what the server does not read
	Leaving    []string // domains whose rows stay until the server is restarted

	Decision hostnames.Decision
	Compared *change.Change    // what the guards compared; nil: nothing
	Instead  map[string]string // what the guards compared instead of damaged files, by path

	Figures *Figures // nil: not asked for, or not known

	run *run // the run that it describes
}

// result describes the work of the run.
func (r *run) result(report publish.Report) Result {
	result := Result{
		Report: report, Folders: r.Folders, Server: r.server, Host: &r.source.Inventory().Host, Inventory: r.source.Inventory().Name, Contents: Contents(r.source), Config: r.Config,
		Kinds: r.kinds(report.Changes), Live: r.live(), Leaving: r.leaving,
		Decision: r.serving.decision, Compared: r.compared, Instead: r.installed.Instead(),
		run: r,
	}
	result.Runs = r.commands() && (result.Kinds != Kinds{} || r.due() != Kinds{} || publish.Unannounced(publish.OS, r.State) != "")
	result.Configured = r.wiring != nil && r.Config != "" && r.wiring.config.Place() == r.Config
	r.readWritten(report)
	r.wiring.describe(&result)
	if r.Options.Figures {
		result.Figures = result.figures()
	}
	return result
}

// Waits reports whether domains wait for an answer of the DNS. After an answer, the
// other results may be different.
func (r *Result) Waits() bool { return r.Decision.Frozen || r.Decision.Waiting > 0 }

// Holds reports whether domains are held back or pending.
func (r *Result) Holds() bool { return r.Decision.Held+r.Decision.Pending > 0 }

// Overdue reports whether the DNS has not answered for too long about domains that are
// served.
func (r *Result) Overdue() bool { return r.Decision.Overdue > 0 }

// settled reports whether nothing waits.
func (r *Result) settled() bool {
	return !r.Waits() && !r.Holds() && !r.Overdue() && !r.Reads.Lacking
}

// Contents returns a line with the numbers of what is written.
func Contents(source mta.Build) string {
	m := source.Inventory()
	served, held := 0, 0
	for i := range m.Domains {
		switch d := &m.Domains[i]; {
		case d.Held:
			held++
		case d.Enabled:
			served++
		}
	}
	text := diag.Count(served, "domain")
	if held > 0 {
		text += fmt.Sprintf(", %d held back", held)
	}
	rows, _ := source.Size()
	return text + ", " + diag.Count(rows, "row")
}
