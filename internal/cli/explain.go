package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/mta/servers"
)

func explainCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "say what a check finds, why it matters, and what to write", ArgsUsage: "CHECK...",
		Description: `Takes the id of a check, which stands in brackets in every message, or its name.
virtmap check --list lists all checks.

Examples:
  virtmap explain VM014
  virtmap explain unknown-target dead-target`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage(errors.New("explain takes at least one CHECK, such as VM014"))
			}
			return explain(c.Args().Slice(), stdio)
		},
	}
}

// explain prints the checks that there are, and returns an error about the other words.
func explain(words []string, stdio Stdio) error {
	out := bufio.NewWriter(stdio.Out) // Flush returns its first error
	var unknown []error
	for i, word := range words {
		check, e, ok := servers.Checks().Explain(word)
		if !ok {
			unknown = append(unknown, noCheck(word))
			continue
		}
		if i > len(unknown) {
			fmt.Fprintln(out)
		}
		printExplanation(out, check, e)
	}
	if err := out.Flush(); err != nil {
		return exit(exitIO, err)
	}
	if len(unknown) > 0 {
		return usage(errors.Join(unknown...))
	}
	return nil
}

// noCheck says that no check has a word as its id or name.
func noCheck(word string) error {
	if near, ok := servers.Checks().Nearest(word); ok {
		return fmt.Errorf("there is no check %q; did you mean %s?", word, near)
	}
	return fmt.Errorf("there is no check %q; check --list lists all", word)
}

func printExplanation(w io.Writer, check *diag.Check, e lint.Explanation) {
	fmt.Fprintf(w, "%s %s (%s, since %s)\n%s\n\n%s", check.ID, check.Name, check.Severity, e.Since, check.Rule, e.Why)
	for _, example := range [][2]string{{"Wrong", e.Wrong}, {"Right", e.Right}} {
		if example[1] != "" {
			fmt.Fprintf(w, "\n%s:\n\n%s", example[0], indented(example[1]))
		}
	}
	if check.Severity != diag.Error {
		fmt.Fprintf(w, "\nchecks: {%s: ignore} silences it; error, warning and note make it that.\n", check.ID)
	}
}

// indented indents every line. Characters that a terminal would not show are escaped.
func indented(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = diag.Printable(strings.TrimSuffix(line, "\n"))
		out.WriteString("    " + strings.ReplaceAll(line, "\u00a0", `\u00a0`) + "\n")
	}
	return out.String()
}

// listChecks prints one line for every check.
func listChecks(stdio Stdio) error {
	w := tabwriter.NewWriter(stdio.Out, 0, 0, 2, ' ', 0)
	for _, c := range servers.Checks().All() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.ID, c.Severity, c.Name, c.Rule)
	}
	if err := w.Flush(); err != nil {
		return exit(exitIO, err)
	}
	return nil
}
