package build

import (
	"fmt"

	"virtmap/hostnames"
	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// A Result is what a run did, or in a dry run would have done.
type Result struct {
	publish.Report
	Folders
	Host      *inventory.Host
	Inventory string // its name
	Contents  string // what is written of it
	MC        string // the sendmail.mc in which our block is kept, links followed

	Kinds   Kinds    // what changed
	Live    bool     // the server reads from the folder
	Runs    bool     // the command of OnChange is run for it
	Reads   Reads    // what the server reads of it
	Leaving []string // domains whose rows stay until the server was restarted

	Decision hostnames.Decision
	Compared *change.Change    // what the guards looked at; nil: nothing
	Instead  map[string]string // what they compared in place of damaged files
}

// result describes what was done.
func (r *run) result(report publish.Report) Result {
	result := Result{
		Report: report, Folders: r.Folders, Host: &r.source.Model.Host, Inventory: r.source.Model.Name, Contents: Contents(r.source), MC: r.MC,
		Kinds: kindsOf(report.Changes, r.MC), Live: IsLive(r.Out, &r.source.Model.Host), Leaving: r.leaving,
		Decision: r.serving.decision, Compared: r.compared, Instead: r.installed.compared,
	}
	result.Runs = r.OnChange != "" && !r.DryRun && result.Kinds != Kinds{}
	r.wiring.describe(&result, r.source)
	return result
}

// Waits reports whether domains wait for an answer of the DNS: what else there is
// may look otherwise with one.
func (r *Result) Waits() bool { return r.Decision.Frozen || r.Decision.Waiting > 0 }

// Holds reports whether domains are held back or pending.
func (r *Result) Holds() bool { return r.Decision.Held+r.Decision.Pending > 0 }

// Overdue reports whether the DNS was silent for too long about domains that are
// served.
func (r *Result) Overdue() bool { return r.Decision.Overdue > 0 }

// settled reports whether nothing waits.
func (r *Result) settled() bool {
	return !r.Waits() && !r.Holds() && !r.Overdue() && !r.Reads.Lacking
}

// Contents counts what is written of an inventory.
func Contents(source sendmail.Build) string {
	served, held := 0, 0
	for i := range source.Model.Domains {
		switch d := &source.Model.Domains[i]; {
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
	return text + ", " + diag.Count(source.Compiled.Table.Len(), "row")
}
