package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/publish"
)

func historyCommand(stdio Stdio) *cli.Command {
	var a keptArgs
	var format string
	return &cli.Command{
		Name:  "history",
		Usage: "list the generations that rollback can bring back",
		Description: `Lists the sets of files that builds have put in place and that are kept: when, by
whom, what was in them, and the digest of the inventory. The newest set stands
first. It is the one that is installed, unless somebody changed a file since. A
damaged set is named on standard error and left out.

Examples:
  virtmap history
  virtmap history -o out --format json`,
		Flags: append(a.flags(), &cli.StringFlag{Name: "format", Value: "text", Destination: &format, EnvVars: []string{"VIRTMAP_FORMAT"},
			Usage: "print `FORMAT`: text or json"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(noArguments(c), notEmpty(c, "output", "state", "format")); err != nil {
				return err
			}
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", format))
			}
			folders, _, err := a.folders()
			if err != nil {
				return err
			}
			all, damaged, err := folders.History()
			if err != nil {
				return machineExit(err, exitIO)
			}
			for _, line := range damaged {
				stdio.tell(line)
			}
			if len(all) == 0 {
				stdio.tell(noGeneration(folders))
			}
			if format == "json" {
				return machineExit(json.NewEncoder(stdio.Out).Encode(append([]publish.Meta{}, all...)), exitIO)
			}
			return machineExit(printHistory(all, stdio), exitIO)
		},
	}
}

// noGeneration says that nothing is kept that a rollback could bring back.
func noGeneration(f build.Folders) string {
	return fmt.Sprintf("no generation of %q is kept in %q; -o DIR names another folder", f.Out, f.State)
}

func printHistory(all []publish.Meta, stdio Stdio) error {
	out := tabwriter.NewWriter(stdio.Out, 0, 0, 2, ' ', 0)
	for _, m := range slices.Backward(all) {
		what := m.Contents
		if m.Note != "" {
			what = strings.TrimSpace(m.Note + " " + m.Contents)
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%.12s\n", m.Number, m.Time.Format(time.RFC3339), diag.Printable(m.Who), diag.Printable(what), m.Digest)
	}
	return out.Flush()
}
