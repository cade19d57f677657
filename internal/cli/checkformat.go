package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/report"
)

// shownOfCrowd is the largest number of warnings of one check, and of errors of one
// check about one thing, that people are shown. A person learns nothing from the
// thousandth. --max-faults sets another limit.
const shownOfCrowd = 10

// forPeople are the formats that people read line by line. GitHub shows the first ten
// errors of a step at their lines, and all errors in its log.
var forPeople = []string{textFormat, "github"}

// textFormat is the format for people. It is printed on standard error.
const textFormat = "text"

// formatArgs are the flags that say how faults are printed, and which of them fail a
// check.
type formatArgs struct {
	formats       cli.StringSlice // FORMAT or FORMAT=FILE
	noAnnotations bool
	failOn        string
	maxFaults     int
	since         string // a revision of git
}

func formatNames() string {
	return strings.Join(sortedNames(report.Findings), ", ")
}

func (a *formatArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "format", Destination: &a.formats, EnvVars: []string{"VIRTMAP_FORMAT"},
			Usage: "write the faults as `FORMAT[=FILE]`: text (to standard error), " + formatNames() + "; repeatable"},
		&cli.BoolFlag{Name: "no-annotations", Destination: &a.noAnnotations, EnvVars: []string{"VIRTMAP_NO_ANNOTATIONS"},
			Usage: "under GITHUB_ACTIONS, do not annotate the changed lines"},
		&cli.StringFlag{Name: "fail-on", Value: "error", Destination: &a.failOn, EnvVars: []string{"VIRTMAP_FAIL_ON"},
			Usage: "exit with 1 when a fault has this `SEVERITY` or a worse one: " + strings.Join(failSeverities, " or ")},
		&cli.StringFlag{Name: "changed-since", Destination: &a.since, EnvVars: []string{"VIRTMAP_CHANGED_SINCE"},
			Usage: "report only faults on lines that changed since `REVISION` of git, such as origin/main, and errors that it did not have; other faults do not count"},
		&cli.IntFlag{Name: "max-faults", Destination: &a.maxFaults, DefaultText: "all", EnvVars: []string{"VIRTMAP_MAX_FAULTS"},
			Usage: "report at most `N` faults, and leave errors out last; without this flag text and github report ten warnings of a check and ten errors of a check about one thing, and other formats 10,000 faults of a check"},
	}
}

func (a *formatArgs) check() error {
	var problems []error
	for _, f := range a.formats.Value() {
		name, file, named := strings.Cut(f, "=")
		if name != textFormat && report.Findings[name] == nil {
			problems = append(problems, fmt.Errorf("--format %q: it is text, %s", name, formatNames()))
		}
		if named && file == "" {
			problems = append(problems, fmt.Errorf("--format %s= names no file", name))
		}
	}
	if !slices.Contains(failSeverities, a.failOn) {
		problems = append(problems, fmt.Errorf("--fail-on %q: it is %s", a.failOn, strings.Join(failSeverities, " or ")))
	}
	if a.maxFaults < 0 {
		problems = append(problems, errors.New("--max-faults is not below zero"))
	}
	if len(problems) > 0 {
		return usage(errors.Join(problems...))
	}
	return nil
}

// chosen returns the formats to print.
func (a *formatArgs) chosen() []string {
	chosen := a.formats.Value()
	if len(chosen) == 0 {
		chosen = []string{textFormat}
	}
	if os.Getenv("GITHUB_ACTIONS") == "true" && !a.noAnnotations && !slices.Contains(chosen, "github") {
		chosen = append(chosen, "github")
	}
	return chosen
}

// tell prints the faults from a severity on, in every format. The result fails as
// --fail-on says, whatever the formats are. If there are errors, people do not see the
// notes.
func (a *formatArgs) tell(stdio Stdio, sources *diag.Sources, faults *diag.List, least diag.Severity) error {
	stdio.stages.hide()
	printer := diag.Printer{Sources: sources, Color: onTerminal(stdio.Err), Least: least, Most: a.maxFaults}
	for _, f := range a.chosen() {
		name, file, _ := strings.Cut(f, "=")
		people := printer
		if a.maxFaults == 0 && slices.Contains(forPeople, name) {
			people.Each = shownOfCrowd
		}
		print := func(w io.Writer) error { return report.Findings[name](w, people.Located(faults), version()) }
		out := stdio.Out
		if name == textFormat {
			if faults.Failed() {
				people.Least = max(least, diag.Warning)
			}
			out, print = stdio.Err, func(w io.Writer) error { return people.Print(w, faults) }
		}
		if err := tellTo(out, file, print); err != nil {
			return err
		}
	}
	if faults.Failed() || a.failing() == diag.Warning && faults.Count(diag.Warning) > 0 {
		return exit(exitProblems, nil)
	}
	return nil
}

// failing returns the lowest severity that fails a check.
func (a *formatArgs) failing() diag.Severity {
	severity, _ := diag.ParseSeverity(a.failOn)
	return severity
}

// tellTo prints to a stream or to a file. The file gets its name only when it is
// complete.
func tellTo(out io.Writer, file string, print func(io.Writer) error) error {
	if file == "" {
		if err := print(out); err != nil {
			return exit(exitIO, err)
		}
		return nil
	}
	var text bytes.Buffer
	if err := print(&text); err != nil {
		return exit(exitSoftware, err)
	}
	if err := writeWhole(file, text.Bytes()); err != nil {
		return machineExit(fmt.Errorf("--format: %w", err), exitCannotWrite)
	}
	return nil
}
