package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/endtoend"
	"virtmap/internal/publish"
	"virtmap/internal/report"
	"virtmap/mxcheck/resolve"
)

// A narrator prints the messages of a build.
type narrator struct {
	*stages
	stdio         Stdio
	quiet, dryRun bool
	record        *buildRecord // may be nil
	inDocument    bool         // faults and results are printed as a document at the end
}

// Tell prints a line.
func (n *narrator) Tell(line string) { n.stdio.tell(line) }

// Faults prints faults of an inventory down to a severity.
func (n *narrator) Faults(sources *diag.Sources, faults *diag.List, least diag.Severity) error {
	if n.inDocument {
		n.record.found(sources, faults, least)
		return nil
	}
	return showFaults(n.stdio, sources, faults, least)
}

// Asking shows the progress of many questions, on a terminal.
func (n *narrator) Asking(domains int) (answered func()) {
	n.hide()
	return progress("asking the DNS", domains, n.stdio)
}

// ZoneFaults prints the faults of zone files.
func (n *narrator) ZoneFaults(faults []resolve.ZoneFault) {
	for _, f := range faults {
		n.record.zoneFault(f.String())
	}
	printZoneFaults(n.stdio, faults)
}

// DisprovedSender prints a user and an address for which the promise is not kept.
func (n *narrator) DisprovedSender(r *endtoend.SenderResult) error {
	return report.Formats["text"](n.stdio.Err, "").Case(senderCaseOf(r, ""))
}

// Disproved prints an address that does not keep its promise.
func (n *narrator) Disproved(r *endtoend.Result) error {
	return report.Formats["text"](n.stdio.Err, "").Case(caseOf(r, ""))
}

// Published prints one line if the run wrote something, and nothing otherwise.
func (n *narrator) Published(r *build.Result) {
	n.record.published(r)
	verb, mended := "lost", "it was made anew from the inventory"
	if n.dryRun {
		verb, mended = "would lose", "a build makes it anew"
	}
	n.stdio.tellDamage(r.Changes, r.Instead, mended)
	sayLosses(append(slices.Clone(r.Changes), r.Adopted...), r.Compared, verb, n.stdio)
	switch {
	case n.quiet, n.inDocument:
	case n.dryRun:
		n.sayWould(r)
	case len(r.Changes) > 0:
		n.sayWrote(r)
	}
	n.sayUnread(r)
}

// sayWould prints what a dry run would have written.
func (n *narrator) sayWould(r *build.Result) {
	for _, change := range r.Changes {
		verb := "replace"
		if change.New {
			verb = "create"
		}
		fmt.Fprintf(n.stdio.Out, "would %s %s\n", verb, diag.Printable(change.Path))
	}
}

// sayWrote prints what was written, and what must happen before the server uses it.
func (n *narrator) sayWrote(r *build.Result) {
	for _, path := range r.Stale {
		n.stdio.tell(path + " is no longer written; remove it once " + r.Server.Name + " does not read it")
	}
	var names, outside []string
	for _, change := range r.Changes {
		if change.Path == r.Config {
			outside = []string{change.Path}
			continue
		}
		names = append(names, filepath.Base(change.Path))
	}
	if len(names) > 0 {
		outside = append(outside, strings.Join(names, " ")+" to "+r.Out)
	}
	line := fmt.Sprintf("%s: wrote %s (%s); %s%s", r.Inventory, strings.Join(outside, " and "), r.Contents, next(r, len(names) > 0), stay(r))
	fmt.Fprintln(n.stdio.Out, diag.Printable(line))
}

// next says what must happen before the server uses the changes. inside says that files
// of the folder changed.
func next(r *build.Result, inside bool) string {
	switch order := nextOrder(r, inside); {
	case order == "" && r.Runs:
		return "next: the command of --on-change"
	case order == "" && r.Reads.Lacking:
		return "next: " + r.Server.Name + " does not read all of it yet"
	case order == "":
		return "nothing else to do: " + r.Server.Name + " sees a new map by itself"
	case r.Live && r.Kinds.Signer && !r.Runs && order != reloadSigner:
		return "next: " + order + ", and " + reloadSigner
	case order == r.Server.Words.Reload && r.Kinds.Names && !r.Kinds.Config:
		return "next: " + order + ": its names changed"
	default:
		return "next: " + order
	}
}

// nextOrder says what a person must do so that the server uses the changes. It is empty
// if nothing is left to do, if a command does it, or if the server does not read all of it
// yet.
func nextOrder(r *build.Result, inside bool) string {
	switch {
	case inside && !r.Live:
		return "copy them to " + r.Host.MailDir.Text + " on " + r.Host.Name.Text
	case r.Runs, r.Reads.Lacking:
		return ""
	case r.Kinds.Config && !r.Configured:
		return r.Server.Words.Rebuild
	case !r.Kinds.Config && r.Kinds.Names && r.Server.Words.Renew != "":
		return r.Server.Words.Renew
	case r.Kinds.Config, r.Kinds.Names:
		return r.Server.Words.Reload
	case r.Kinds.Signer:
		return reloadSigner
	}
	return ""
}

// reloadSigner is what a person must do so that opendkim reads its tables again.
const reloadSigner = "reload opendkim"

// stay says which rows stay until the server is restarted.
func stay(r *build.Result) string {
	until := " stay until " + r.Server.Name + " was restarted"
	switch n := len(r.Leaving); {
	case n == 0:
		return ""
	case n > 5:
		return fmt.Sprintf("; the rows of %d domains that left%s", n, until)
	}
	return "; the rows of " + strings.Join(r.Leaving, ", ") + until
}

// Earlier prints what earlier builds changed without running the command of
// --on-change.
func (n *narrator) Earlier(kinds string) {
	if n.inDocument {
		n.record.earlier = strings.Fields(kinds)
	} else if !n.quiet {
		fmt.Fprintf(n.stdio.Out, "an earlier build changed %s; it was stopped before it could say so, or its command failed\n", kinds)
	}
}

// tell prints a line on standard error. Control characters are escaped.
func (s Stdio) tell(line string) { fmt.Fprintln(s.Err, diag.Printable(line)) }

// tellDamage prints which files were damaged, what happened to each, and what the
// guards compared instead.
func (s Stdio) tellDamage(files []publish.Change, instead map[string]string, what string) {
	for _, file := range files {
		if file.Damage == "" {
			continue
		}
		line := fmt.Sprintf("%s was damaged (%s): %s", file.Path, file.Damage, what)
		if compared := instead[file.Path]; compared != "" {
			line += "; the guards compared " + compared
		}
		s.tell(line)
	}
}
