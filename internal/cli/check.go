package cli

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
)

type checkArgs struct {
	inventory string
	quiet     bool
}

func checkCommand(stdio Stdio) *cli.Command {
	var a checkArgs
	return &cli.Command{
		Name:  "check",
		Usage: "find every fault of the inventory; writes nothing",
		Description: `Prints every fault with its place and what to write instead, on standard
error. Exits with 1 when one of them is an error.

Examples:
  virtmap check -i mail.yaml
  git show HEAD:mail.yaml | virtmap check -i -`,
		Flags:        []cli.Flag{inventoryFlag(&a.inventory), quietFlag(&a.quiet)},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := notEmpty(c, "inventory"); err != nil {
				return err
			}
			return check(a, stdio)
		},
	}
}

func check(a checkArgs, stdio Stdio) error {
	source, faults, err := read(a.inventory, stdio)
	if err != nil {
		return err
	}
	least := diag.Note
	switch {
	case a.quiet:
		least = diag.Error
	case faults.Failed():
		least = diag.Warning // notes can wait
	}
	if err := printFaults(stdio, source.Model.Sources, faults, least); err != nil {
		return err
	}
	if !a.quiet {
		fmt.Fprintf(stdio.Err, "%s: no errors in %s\n", source.Model.Name, contents(source))
	}
	return nil
}

func noArguments(c *cli.Context) error {
	if c.NArg() == 0 {
		return nil
	}
	return usage(fmt.Errorf("%s takes no argument %q; the inventory is given with -i", c.Command.Name, c.Args().First()))
}
