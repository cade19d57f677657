package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/endtoend"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/prove"
	"virtmap/internal/publish"
)

type testArgs struct {
	inventory, maps string
	quiet           bool
}

func testCommand(stdio Stdio) *cli.Command {
	var a testArgs
	return &cli.Command{
		Name:  "test",
		Usage: "prove the written files over SMTP against what the inventory says",
		Description: `Builds into a temporary folder, opens the files that were written again,
starts the receiver on loopback, and sends to every address, to near misses
of each (in capitals, with a detail, one letter off, at a foreign domain), to
every user's name at every domain, and to every entry under tests. What
arrived, or which code came back, is compared with what the inventory says.
With --maps the files of a folder are proved instead. Asks no DNS.
Exits with 1 when one of them differs.

Examples:
  virtmap test -i mail.yaml
  virtmap test -i mail.yaml --maps /etc/mail`,
		Flags: []cli.Flag{
			inventoryFlag(&a.inventory), quietFlag(&a.quiet),
			&cli.StringFlag{Name: "maps", Destination: &a.maps, TakesFile: true, EnvVars: []string{"VIRTMAP_MAPS"},
				Usage: "prove the files of `DIR` as they are, instead of building"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := notEmpty(c, "inventory", "maps"); err != nil {
				return err
			}
			return test(c.Context, a, stdio)
		},
	}
}

func test(ctx context.Context, a testArgs, stdio Stdio) error {
	source, err := faultless(a.inventory, stdio)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir := a.maps
	if dir == "" {
		if dir, err = os.MkdirTemp("", "virtmap-test-"); err != nil {
			return exit(exitCannotWrite, err)
		}
		defer os.RemoveAll(dir)
		if err := writeSet(ctx, source, dir); err != nil {
			return machineExit(err, exitIO)
		}
	}
	results, err := prover(ctx, source, dir, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	return reportResults(results, a.quiet, stdio)
}

// writeSet builds into an empty folder.
func writeSet(ctx context.Context, source fileset.Source, dir string) error {
	outputs, err := fileset.Outputs(source, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(ctx, publish.Set{Outputs: outputs, State: dir + "/.virtmap", FS: publish.OS})
	return err
}

func prover(ctx context.Context, source fileset.Source, dir string, stdio Stdio) ([]endtoend.Result, error) {
	ofInventory := source.Router()
	set, err := fileset.Open(dir, ofInventory.Host, ofInventory.Account)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	for _, warning := range set.Warnings {
		fmt.Fprintf(stdio.Err, "virtmap: %s\n", diag.Printable(warning))
	}
	promises := prove.Promises{Model: source.Model}
	promises.Prepare()
	trial := endtoend.Trial{Router: set.Router, Promised: promises.Of, Fold: fold, Workers: 2 * runtime.GOMAXPROCS(0)}
	return trial.Run(ctx, prove.Vectors(source.Model))
}

// fold gives the folded form of an address that is one.
func fold(addr string) string {
	if folded, problem := mailaddr.Fold(addr); problem == nil {
		return folded
	}
	return addr
}

func reportResults(results []endtoend.Result, quiet bool, stdio Stdio) error {
	failed := 0
	for i := range results {
		if r := &results[i]; !r.Passed() {
			failed++
			printFailure(r, stdio)
		}
	}
	if !quiet || failed > 0 {
		fmt.Fprintf(stdio.Out, "tried %d addresses over SMTP: %d differ from the inventory\n", len(results), failed)
	}
	if failed > 0 {
		return exit(exitProblems, nil)
	}
	return nil
}

func printFailure(r *endtoend.Result, stdio Stdio) {
	fmt.Fprintf(stdio.Out, "%s (%s): promised is %s, but it is %s\n", r.Address, r.Why, r.Promised, r.Got)
	for _, line := range r.Transcript {
		fmt.Fprintf(stdio.Out, "  %s\n", diag.Printable(line))
	}
	for _, step := range r.Trace {
		text := step.Key + ": no"
		if step.Hit {
			text = strings.TrimSuffix(step.Key+" -> "+step.Value, " -> ")
		}
		fmt.Fprintf(stdio.Out, "  %-13s  %s\n", step.Map, diag.Printable(text))
	}
}
