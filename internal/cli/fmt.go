package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/inventory"
)

type fmtArgs struct{ check, diff, write bool }

func fmtCommand(stdio Stdio) *cli.Command {
	var a fmtArgs
	return &cli.Command{
		Name: "fmt", Usage: "lay out an inventory in the canonical way", ArgsUsage: "[FILE...]",
		Description: `Prints mail.yaml, or each FILE, or with - standard input, laid out: two blanks a
level, the fixed keys in the order of the manual, and one blank line where there
were several. Names keep their order, and a comment moves with the line below it.
Whole lines are moved and indented. Nothing else changes: quotes, braces and
comments stay as they are.

Examples:
  virtmap fmt --write
  virtmap fmt --check mail.yaml domains/*.yaml
  virtmap fmt --diff`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Destination: &a.check, EnvVars: []string{"VIRTMAP_CHECK"},
				Usage: "name the files that would change, and exit with 1 when there are any"},
			&cli.BoolFlag{Name: "diff", Destination: &a.diff, EnvVars: []string{"VIRTMAP_DIFF"},
				Usage: "print what would change"},
			&cli.BoolFlag{Name: "write", Aliases: []string{"w"}, Destination: &a.write, EnvVars: []string{"VIRTMAP_WRITE"},
				Usage: "write the files"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			files := c.Args().Slice()
			if len(files) == 0 {
				files = []string{build.DefaultInventory}
			}
			if a.write && a.check {
				return usage(errors.New("--check writes nothing; leave --write out"))
			}
			if a.write && slices.Contains(files, inventory.StdinName) {
				return usage(errors.New("--write takes files, and - is standard input"))
			}
			return a.run(files, stdio)
		},
	}
}

func (a *fmtArgs) run(files []string, stdio Stdio) error {
	worst := 0
	for _, path := range files {
		err := a.one(path, stdio)
		var known *exitError
		if errors.As(err, &known) && known.err != nil {
			fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(err.Error()))
		}
		worst = max(worst, exitCode(err))
	}
	if worst > 0 {
		return exit(worst, nil)
	}
	return nil
}

// one lays out one file.
func (a *fmtArgs) one(path string, stdio Stdio) error {
	name, text, err := inventory.ReadText(path, stdio.In)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	formatted, sources, faults, err := inventory.Format(name, text)
	if err != nil {
		return exit(exitProblems, err)
	}
	if faults.Failed() {
		return printFaults(stdio, sources, faults, 0)
	}
	if err := a.tell(path, name, text, formatted, stdio); err != nil {
		return err
	}
	if a.check && formatted != text {
		fmt.Fprintf(stdio.Err, "%s: it is not laid out; virtmap fmt --write %[1]s does that\n", diag.Printable(name))
		return exit(exitProblems, nil)
	}
	return nil
}

// tell prints or writes the result for one file.
func (a *fmtArgs) tell(path, name, text, formatted string, stdio Stdio) error {
	var err error
	shown := diag.Printable(name)
	switch {
	case a.diff:
		_, err = stdio.Out.Write(diff.Diff(shown, []byte(text), shown+" (laid out)", []byte(formatted)))
	case a.check && formatted != text:
		_, err = fmt.Fprintln(stdio.Out, shown)
	case a.check || a.write:
	default:
		_, err = io.WriteString(stdio.Out, formatted)
	}
	if err != nil {
		return exit(exitIO, err)
	}
	if !a.write || formatted == text {
		return nil
	}
	return machineExit(rewrite(path, []byte(formatted)), exitCannotWrite)
}
