package cli

import (
	"cmp"
	"io"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/build"
	"virtmap/internal/change"
	"virtmap/internal/report"
)

// The JSON of build, version 1. Members may be added, but none changes its meaning. Of a
// build that ended before it knew its files, only exit, error, guards and the faults have
// something to say.
type (
	buildDocument struct {
		Version   int            `json:"version"`
		Exit      int            `json:"exit"`            // the exit code
		Error     string         `json:"error,omitempty"` // as on standard error
		DryRun    bool           `json:"dry_run"`         // everything below is what a build would do
		Inventory string         `json:"inventory"`
		Server    string         `json:"server,omitempty"` // sendmail, postfix
		Host      string         `json:"host,omitempty"`
		Output    string         `json:"output,omitempty"` // the folder of the files
		Live      bool           `json:"live"`             // the server reads from this folder
		Files     []buildFile    `json:"files"`            // in the order in which they are put in place
		Changed   []string       `json:"changed"`          // as VIRTMAP_CHANGED: map, names, mc or config, signer
		Earlier   []string       `json:"earlier"`          // the same of earlier builds, of which nobody was told
		Command   string         `json:"command"`          // of --on-change: none, done, failed, undone
		Summary   *buildSummary  `json:"summary,omitempty"`
		Domains   []buildDomain  `json:"domains"` // those that are enabled
		Tables    []buildTable   `json:"tables"`
		Leaving   []string       `json:"leaving"` // domains whose rows stay until the server is restarted
		Unread    []string       `json:"unread"`  // what the server does not read, and why
		Next      []string       `json:"next"`    // what a person must do now, in order
		Guards    []change.Alarm `json:"guards"`  // that refused the build
		report.FaultList
	}
	buildFile struct {
		File   string          `json:"file"`
		State  build.FileState `json:"state"`            // created, replaced, unchanged, waiting, stale
		Damage string          `json:"damage,omitempty"` // what was wrong with the old content
		Kept   string          `json:"kept,omitempty"`   // where a person's file is kept
	}
	// Pending and overdue domains are among the served ones, and waiting ones among those
	// that are held back.
	buildSummary struct {
		Served  int `json:"served"`
		Pending int `json:"pending"`
		Overdue int `json:"overdue"`
		Held    int `json:"held"`
		Waiting int `json:"waiting"`
		Rows    int `json:"rows"` // of the virtual addresses
	}
	buildDomain struct {
		Domain  string          `json:"domain"`
		State   hostnames.State `json:"state"` // served, pending, overdue, held, waiting
		Role    string          `json:"role"`  // primary, backup
		Verdict string          `json:"verdict,omitempty"`
		ID      string          `json:"id,omitempty"`
		Text    string          `json:"text,omitempty"`
		Advice  string          `json:"advice,omitempty"`
	}
	buildTable struct {
		Table string `json:"table"`
		Rows  int    `json:"rows"`
	}
)

// printBuild prints the document of a build that ended with an error or nil.
func (a *buildArgs) printBuild(w io.Writer, record *buildRecord, err error) error {
	d := buildDocument{
		Version: 1, Exit: exitCode(err), DryRun: a.dryRun, Inventory: a.inventory, Files: []buildFile{}, Changed: []string{}, Earlier: notNil(record.earlier),
		Command: record.command(), Domains: []buildDomain{}, Tables: []buildTable{}, Leaving: []string{}, Unread: []string{}, Next: []string{},
		Guards: record.guards(), FaultList: report.NewFaultList(record.faults), Error: cmp.Or(errorText(err), strings.Join(record.zones, "\n")),
	}
	for _, f := range record.files {
		d.Files = append(d.Files, buildFile{f.Path, f.State, f.Damage, f.Kept})
	}
	if record.result != nil {
		d.Changed = append(d.Changed, strings.Fields(record.kinds.In(record.result.Server))...)
		d.add(record.result, record.failure == nil)
	}
	return report.PrintJSON(w, d)
}

// add adds a result. done says that the build had no error.
func (d *buildDocument) add(r *build.Result, done bool) {
	d.Server, d.Host, d.Output, d.Live = r.Server.Name, r.Host.Name.Text, r.Out, r.Live
	for _, s := range r.Standings() {
		d.Domains = append(d.Domains, domainJSON(&s))
	}
	f := r.Figures
	d.Summary = &buildSummary{f.Served, f.Pending, f.Overdue, f.Held, f.Waiting, r.Rows()}
	for _, t := range f.Tables {
		d.Tables = append(d.Tables, buildTable{t.Name, t.Rows})
	}
	d.Leaving, d.Unread = append(d.Leaving, r.Leaving...), append(d.Unread, r.Reads.Missing...)
	if done {
		d.Next = append(d.Next, nextSteps(r)...)
	}
}

func domainJSON(s *hostnames.Standing) buildDomain {
	role := "primary"
	if s.Backup {
		role = "backup"
	}
	return buildDomain{s.Domain, s.State, role, s.Verdict, s.ID, s.Text, s.Advice}
}

// nextSteps returns what a person must do after a build.
func nextSteps(r *build.Result) (steps []string) {
	inside := false
	for _, change := range r.Changes {
		inside = inside || change.Path != r.Config
	}
	if order := nextOrder(r, inside); order != "" {
		steps = append(steps, strings.Replace(order, "copy them to", "copy the files to", 1))
	}
	if r.Reads.Lacking {
		steps = append(steps, stepsOf(r)...)
	}
	return steps
}
