package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

// inventoryFlag returns the flag for the inventory, the same for every command.
func inventoryFlag(path *string) cli.Flag {
	return &cli.StringFlag{
		Name: "inventory", Aliases: []string{"i"}, Value: build.DefaultInventory, Destination: path, TakesFile: true,
		Usage: "read the inventory from `FILE`, - for standard input", EnvVars: []string{"VIRTMAP_INVENTORY"},
	}
}

// includeFromFlag returns the flag that every command with an inventory has.
func includeFromFlag(folders *cli.StringSlice) cli.Flag {
	return &cli.StringSliceFlag{
		Name: "include-from", Destination: folders, TakesFile: true, EnvVars: []string{"VIRTMAP_INCLUDE_FROM"},
		Usage: "let the inventory include files of `DIR` too, beside those of its own folder; repeatable",
		Action: func(_ *cli.Context, folders []string) error {
			if slices.Contains(folders, "") {
				return usage(errors.New("--include-from is empty; leave it out, or name a folder"))
			}
			return nil
		},
	}
}

// includeFolders returns the folders of --include-from.
func (s Stdio) includeFolders() []string {
	if s.includeFrom == nil {
		return nil
	}
	return s.includeFrom.Value()
}

// withIncludeFrom adds --include-from to every command that reads an inventory.
func withIncludeFrom(all []*cli.Command, folders *cli.StringSlice) []*cli.Command {
	for _, c := range all {
		withIncludeFrom(c.Subcommands, folders)
		at := slices.IndexFunc(c.Flags, func(f cli.Flag) bool { return f.Names()[0] == "inventory" || f.Names()[0] == "into" })
		if at >= 0 {
			c.Flags = slices.Insert(c.Flags, at+1, includeFromFlag(folders))
		}
	}
	return all
}

// notEmpty refuses flags with an empty value. An unset variable of a script must not
// mean the default.
func notEmpty(c *cli.Context, names ...string) error {
	for _, name := range names {
		if c.IsSet(name) && c.String(name) == "" {
			return usage(fmt.Errorf("--%s is empty; leave it out, or name a place", name))
		}
	}
	return nil
}

func quietFlag(quiet *bool) cli.Flag {
	return &cli.BoolFlag{
		Name: "quiet", Aliases: []string{"q"}, Destination: quiet,
		Usage: "print errors only", EnvVars: []string{"VIRTMAP_QUIET"},
	}
}

// load loads an inventory, with the folders of --include-from.
func (s Stdio) load(path string) (*inventory.Model, *diag.List, error) {
	return loadInterruptibly(path, s)
}

// read reads and compiles an inventory. The faults of both are in the list. Of the
// checks for advice, only those run that the inventory makes errors.
func read(path string, stdio Stdio) (mta.Build, *diag.List, error) {
	return readAdvised(path, nil, diag.Error, stdio)
}

// readAdvised is read with the checks for advice of a severity or a higher one.
func readAdvised(path string, accounts []string, least diag.Severity, stdio Stdio) (mta.Build, *diag.List, error) {
	r := readerOf(stdio)
	r.Accounts, r.Least = accounts, least
	source, faults, err := r.Read(path)
	return source, faults, machineExit(err, exitNoInput)
}

// readerOf gives the reader of inventories, for every server that there is.
func readerOf(stdio Stdio) build.Reading {
	return build.Reading{Servers: servers.All, Known: servers.Checks(), Load: stdio.load, Stages: stdio.stages}
}

// faultless reads an inventory that must have no errors. If it has some, its faults are
// printed.
func faultless(path string, stdio Stdio) (mta.Build, error) {
	source, faults, err := read(path, stdio)
	if err == nil && faults.Failed() {
		err = printFaults(stdio, source.Inventory().Sources, faults, diag.Error)
	}
	return source, err
}

// defaultServer is the server if no inventory is given.
var defaultServer = servers.All[0]

// serverOf returns the server of an inventory.
func serverOf(source mta.Build) *mta.Server {
	server, ok := servers.ByName(string(source.Inventory().Host.Server))
	if !ok {
		server = defaultServer
	}
	return server
}

// printFaults prints faults from a severity on. The result fails if there are errors.
func printFaults(stdio Stdio, sources *diag.Sources, faults *diag.List, least diag.Severity) error {
	if err := showFaults(stdio, sources, faults, least); err != nil {
		return err
	}
	if faults.Failed() {
		return exit(exitProblems, nil)
	}
	return nil
}

// showFaults prints faults from a severity on.
func showFaults(stdio Stdio, sources *diag.Sources, faults *diag.List, least diag.Severity) error {
	stdio.stages.hide()
	printer := diag.Printer{Sources: sources, Color: onTerminal(stdio.Err), Least: least}
	if faults.Failed() {
		printer.Each = shownOfCrowd
	}
	if err := printer.Print(stdio.Err, faults); err != nil {
		return exit(exitIO, err)
	}
	return nil
}
