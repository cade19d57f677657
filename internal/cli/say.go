package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mcfile"
	"virtmap/internal/publish"
)

// failed prints what a refused run would have lost.
func (a *buildArgs) failed(err error, stdio Stdio) error {
	var foreign *publish.Foreign
	var guarded *accident
	var known *exitError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &guarded):
		return exit(exitRefused, err)
	case !errors.As(err, &foreign):
		return machineExit(err, exitIO)
	}
	for _, file := range foreign.Files {
		printLost(stdio, file, "would lose")
	}
	return exit(exitRefused, fmt.Errorf("%w; nothing was written. --adopt replaces them", foreign))
}

// maxLost is how many lost lines of a file are printed.
const maxLost = 20

func printLost(stdio Stdio, file publish.Change, verb string) {
	if file.Kept != "" && verb == "lost" {
		fmt.Fprintf(stdio.Err, "%s: the file that was there is kept as %s\n", file.Path, file.Kept)
	}
	for i, line := range file.Lost {
		if i == maxLost {
			fmt.Fprintf(stdio.Err, "%s: and %d more\n", file.Path, len(file.Lost)-maxLost)
			return
		}
		fmt.Fprintf(stdio.Err, "%s: %s: %s\n", file.Path, verb, diag.Printable(line))
	}
}

// say prints one line for a run that wrote something, and nothing otherwise.
func (a *buildArgs) say(j *job, result publish.Report, stdio Stdio) {
	source := j.source
	verb := "lost"
	if a.dryRun {
		verb = "would lose"
	}
	for _, change := range result.Changes {
		printLost(stdio, change, verb)
	}
	if a.quiet {
		return
	}
	if a.dryRun {
		for _, change := range result.Changes {
			verb := "replace"
			if change.New {
				verb = "create"
			}
			fmt.Fprintf(stdio.Out, "would %s %s\n", verb, change.Path)
		}
		return
	}
	if len(result.Changes) == 0 {
		return
	}
	for _, path := range result.Stale {
		fmt.Fprintf(stdio.Err, "%s is no longer written; remove it once sendmail does not read it\n", path)
	}
	var names, outside []string
	for _, change := range result.Changes {
		if change.Path == a.mc {
			outside = []string{change.Path}
			continue
		}
		names = append(names, filepath.Base(change.Path))
	}
	if len(names) > 0 {
		outside = append(outside, strings.Join(names, " ")+" to "+a.out)
	}
	fmt.Fprintf(stdio.Out, "%s: wrote %s (%s); %s%s\n", source.Model.Name, strings.Join(outside, " and "), contents(source), a.next(source, names, len(outside) > 0 && outside[0] == a.mc), stay(j.leaving))
}

// next says what must happen for sendmail to use what changed.
func (a *buildArgs) next(source fileset.Source, names []string, mc bool) string {
	changed := func(name string) bool { return slices.Contains(names, name) }
	host := source.Model.Host
	switch {
	case len(names) > 0 && filepath.Clean(a.out) != host.MailDir.Text:
		return "next: copy them to " + host.MailDir.Text + " on " + host.Name.Text
	case changed(mcfile.Include) || mc:
		return "next: make sendmail.cf anew and restart sendmail"
	case changed(mcfile.HostNames) || changed(mcfile.RelayDomains):
		return "next: restart sendmail, or send it a HUP: its names changed"
	}
	return "nothing else to do: sendmail sees a new map by itself"
}

// stay says whose rows stay until sendmail was restarted.
func stay(leaving []string) string {
	switch n := len(leaving); {
	case n == 0:
		return ""
	case n > 5:
		return fmt.Sprintf("; the rows of %d domains that left stay until sendmail was restarted", n)
	}
	return "; the rows of " + strings.Join(leaving, ", ") + " stay until sendmail was restarted"
}

// contents counts what is written of an inventory.
func contents(source fileset.Source) string {
	served, held := 0, 0
	for i := range source.Model.Domains {
		switch d := &source.Model.Domains[i]; {
		case d.Held:
			held++
		case d.Enabled:
			served++
		}
	}
	text := plural(served, "domain")
	if held > 0 {
		text += fmt.Sprintf(", %d held back", held)
	}
	return text + ", " + plural(source.Compiled.Table.Len(), "row")
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}
