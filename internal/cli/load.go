package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/lint"
	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// defaultInventory is read where no other is named.
const defaultInventory = "mail.yaml"

// yamlEndings are the endings of the names of inventories.
var yamlEndings = []string{".yaml", ".yml"}

// inventoryFlag is the same for every command that reads one.
func inventoryFlag(path *string) cli.Flag {
	return &cli.StringFlag{
		Name: "inventory", Aliases: []string{"i"}, Value: defaultInventory, Destination: path, TakesFile: true,
		Usage: "read the inventory from `FILE`, - for standard input", EnvVars: []string{"VIRTMAP_INVENTORY"},
	}
}

// includeFromFlag goes with every flag that names an inventory.
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

// includeFolders are the folders of --include-from.
func (s Stdio) includeFolders() []string {
	if s.includeFrom == nil {
		return nil
	}
	return s.includeFrom.Value()
}

// withIncludeFrom gives --include-from to every command that reads an inventory.
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

// notEmpty refuses flags that were given without a value: an unset variable
// of a script must not mean the default.
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

// read reads and compiles an inventory; the faults of both are in the list. An
// inventory with faults is compiled too, for the sake of the faults.
// Of advice it asks only for what the inventory makes an error.
func read(path string, stdio Stdio) (sendmail.Build, *diag.List, error) {
	return readAdvised(path, nil, diag.Error, stdio)
}

// readAdvised is read with the advice that counts as a severity or more.
func readAdvised(path string, accounts []string, least diag.Severity, stdio Stdio) (sendmail.Build, *diag.List, error) {
	stdio.stages.Enter("read the inventory")
	m, faults, err := loadInterruptibly(path, stdio)
	if errors.Is(err, context.Canceled) {
		return sendmail.Build{}, nil, machineExit(err, exitNoInput)
	}
	if err != nil {
		code := exitNoInput
		if errors.Is(err, fs.ErrPermission) {
			code = exitPermission
		}
		return sendmail.Build{}, nil, exit(code, nearInventory(path, err))
	}
	if m.Part {
		if top, ok := includedBy(path); ok {
			notByItself(faults, top)
			return sendmail.Build{Model: m, Compiled: virtuser.Compile(m, faults.Fork())}, faults, nil
		}
	}
	stdio.stages.Bytes(int64(m.Sources.Len()))
	stdio.stages.Rows(m.CountAddresses())
	stdio.stages.Enter("compile")
	release(m)
	lint.Tune(m, faults)
	source := sendmail.Build{Model: m, Compiled: virtuser.Compile(m, faults)}
	stdio.stages.Rows(source.Compiled.Table.Len())
	stdio.stages.Bytes(int64(len(source.Compiled.Table.Text())))
	skipped := lint.All() // of an inventory with errors nothing else is known
	if lint.Sound(faults) {
		lint.Tests(m, faults)
	}
	if lint.Sound(faults) {
		stdio.stages.Enter("advise")
		skipped = lint.Advise(m, accounts, least, faults)
	}
	lint.Ignored(m, skipped, faults)
	return source, faults, nil
}

// nearInventory names the inventory that is there, where the one that was asked
// for is not: mail.yml for mail.yaml.
func nearInventory(path string, err error) error {
	if _, missing := os.Stat(path); !errors.Is(missing, fs.ErrNotExist) {
		return err
	}
	ending := filepath.Ext(path)
	for _, other := range yamlEndings {
		near := strings.TrimSuffix(path, ending) + other
		if _, missing := os.Stat(near); missing == nil && slices.Contains(yamlEndings, ending) {
			return fmt.Errorf("%w; there is %q: write -i %s", err, near, near)
		}
	}
	return err
}

// release gives back the memory of what a large inventory leaves behind: it would
// be kept until the heap has doubled.
func release(m *inventory.Model) {
	if m.Sources.Len() > 8<<20 {
		debug.FreeOSMemory()
	}
}

// faultless reads an inventory that must have no errors; its faults are
// printed otherwise.
func faultless(path string, stdio Stdio) (sendmail.Build, error) {
	source, faults, err := read(path, stdio)
	if err == nil && faults.Failed() {
		err = printFaults(stdio, source.Model.Sources, faults, diag.Error)
	}
	return source, err
}

// printFaults prints faults down to a severity, and fails when there are errors.
func printFaults(stdio Stdio, sources *diag.Sources, faults *diag.List, least diag.Severity) error {
	stdio.stages.hide()
	printer := diag.Printer{Sources: sources, Color: onTerminal(stdio.Err), Least: least}
	if faults.Failed() {
		printer.Each = shownOfCrowd
	}
	if err := printer.Print(stdio.Err, faults); err != nil {
		return exit(exitIO, err)
	}
	if faults.Failed() {
		return exit(exitProblems, nil)
	}
	return nil
}
