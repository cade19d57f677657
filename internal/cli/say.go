package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
)

// failed prints what a refused run would have lost.
func (a *buildArgs) failed(j *job, err error, stdio Stdio) error {
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
	sayLosses(foreign.Files, a.compared(j, stdio), "would lose", stdio)
	return exit(exitRefused, fmt.Errorf("%w; nothing was written. --adopt replaces them", foreign))
}

// tell prints a line on standard error, without what a terminal would act on.
func (s Stdio) tell(line string) { fmt.Fprintln(s.Err, diag.Printable(line)) }

// tellDamage says which files were damaged, what becomes of each, and what the
// guards compared instead of it.
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

// say prints one line for a run that wrote something, and nothing otherwise.
func (a *buildArgs) say(j *job, result publish.Report, stdio Stdio) {
	source := j.source
	verb := "lost"
	if a.dryRun {
		verb = "would lose"
	}
	mended := "it was made anew from the inventory"
	if a.dryRun {
		mended = "a build makes it anew"
	}
	stdio.tellDamage(result.Changes, j.instead, mended)
	sayLosses(append(slices.Clone(result.Changes), result.Adopted...), j.compared, verb, stdio)
	if a.quiet {
		return
	}
	if a.dryRun {
		for _, change := range result.Changes {
			verb := "replace"
			if change.New {
				verb = "create"
			}
			fmt.Fprintf(stdio.Out, "would %s %s\n", verb, diag.Printable(change.Path))
		}
		return
	}
	if len(result.Changes) == 0 {
		return
	}
	for _, path := range result.Stale {
		stdio.tell(path + " is no longer written; remove it once sendmail does not read it")
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
	line := fmt.Sprintf("%s: wrote %s (%s); %s%s", source.Model.Name, strings.Join(outside, " and "), contents(source), a.next(j, result, len(outside) > 0 && outside[0] == a.mc), stay(j.leaving))
	fmt.Fprintln(stdio.Out, diag.Printable(line))
}

// next says what must happen for sendmail to use what changed.
func (a *buildArgs) next(j *job, result publish.Report, mc bool) string {
	changed := func(name string) bool {
		return slices.ContainsFunc(result.Changes, func(c publish.Change) bool { return filepath.Base(c.Path) == name && !c.Alike })
	}
	host := j.source.Model.Host
	inside := slices.ContainsFunc(result.Changes, func(c publish.Change) bool { return c.Path != a.mc })
	switch {
	case inside && !isLive(a.out, &host):
		return "next: copy them to " + host.MailDir.Text + " on " + host.Name.Text
	case a.willRun(result) && a.kinds(result.Changes) != "":
		return "next: the command of --on-change"
	case j.wiring.lacking(result):
		return "next: sendmail does not read all of it yet"
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
func contents(source sendmail.Build) string {
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
