package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/endtoend"
	"virtmap/internal/mta"
	"virtmap/internal/report"
)

type testArgs struct {
	inventory, maps, format string
	server, quiet           bool
	domains                 cli.StringSlice
}

func testCommand(stdio Stdio) *cli.Command {
	var a testArgs
	formats := strings.Join(slices.Sorted(maps.Keys(report.Formats)), ", ")
	return &cli.Command{
		Name:  "test",
		Usage: "test the written files over SMTP against what the inventory says",
		Description: `Builds into a temporary folder, opens the written files again, and starts the
receiver on loopback. It sends to every address, to near misses of each (in
capitals, with a detail, one letter off, at a foreign domain), to the names of
local accounts at every domain, and to every entry under tests. It compares which
mailbox each message reached, or which code came back, with what the inventory
says. With submission: {authorise: yes}, users log in too, and try their own and other
addresses as senders. It asks no DNS. Exits with 1 when something differs.

With --maps it tests the files of a folder instead, with every row that they have,
through the server's own aliases.

With --server it asks the installed mail server the same; this needs root.
With --maps, sendmail runs with a copy of the server's own sendmail.cf, with other places
for the queue and the like. Without --maps it runs with a sendmail.cf that virtmap
makes. Postfix runs with the server's own main.cf and master.cf beside the running
one, with its own queue and port, and sends no mail; without --maps the lines of the
inventory are in main.cf as build --config writes them. Exim runs with a copy of the
server's own configuration; without --maps the parts of the inventory are in it as
docs/exim.md says. An account that the inventory has and this machine has not is made
up for the server, but not where the files are this machine's own.

Examples:
  virtmap test -i mail.yaml
  virtmap test -i mail.yaml --domain fakemail.example
  virtmap test -i mail.yaml --maps /etc/mail --server
  virtmap test -i mail.yaml --format junit > report.xml`,
		Flags: []cli.Flag{
			inventoryFlag(&a.inventory), domainFlag(&a.domains, "try the addresses"), quietFlag(&a.quiet),
			mapsFlag(&a.maps, "", "test the files of `DIR` as they are, instead of building"),
			&cli.BoolFlag{Name: "server", Aliases: []string{"sendmail"}, Destination: &a.server, EnvVars: []string{"VIRTMAP_ASK_SERVER", "VIRTMAP_SENDMAIL"},
				Usage: "ask the installed mail server too, and compare all three; needs root"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: " + formats + "; text has the failures only"},
		},
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := notEmpty(c, "inventory", "maps", "format"); err != nil {
				return err
			}
			if report.Formats[a.format] == nil {
				return usage(fmt.Errorf("--format %q: it is one of %s", a.format, formats))
			}
			return test(c.Context, a, stdio)
		},
	}
}

func test(ctx context.Context, a testArgs, stdio Stdio) (err error) {
	source, err := faultless(a.inventory, stdio)
	if err != nil {
		return err
	}
	chosen, err := chooseDomains(source.Inventory(), a.domains.Value())
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGPIPE) // if the reader has gone, the folder must still be removed
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	work, err := workFolder(a.server)
	if err != nil {
		return exit(exitCannotWrite, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	dir := a.maps
	if dir == "" {
		dir = work
		if err := build.WriteSet(ctx, serverOf(source), source, dir); err != nil {
			return machineExit(err, exitIO)
		}
	}
	host := hostOf(source.Inventory())
	if a.server {
		if host.Account, err = withAccountsHere(host.Account); err != nil {
			return err
		}
	}
	set, err := serverOf(source).Open(mta.Place{Dir: dir}, host)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return exit(exitNoInput, err)
	case err != nil:
		return machineExit(err, exitProblems) // a map that cannot be read is a failed test
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	if a.maps != "" || !source.Inventory().Host.Map.IsText() {
		warn(stdio, set.Warnings())
	}
	proof := build.Proof{Source: source, Set: set, Host: host}
	if chosen != nil {
		proof.Asks = chosen.has
	}
	if a.server {
		var asked mta.Asked
		if asked, err = a.ask(ctx, mta.Asking{Build: source, Set: set, Host: host, Work: work}, stdio); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, asked.Close()) }()
		proof.Program, proof.Set = asked, asked.Set()
	}
	err = a.try(ctx, &proof, stdio)
	if proof.Program != nil && proof.Program.Relays() {
		warn(stdio, []string{serverOf(source).Name + " lets a client on loopback relay, so that it was not compared what a stranger is told about other domains"})
	}
	return err
}

// workFolder makes a folder for the files of a build. If sendmail is to read there, the
// folder is in a place that sendmail trusts, because every user may write to the usual
// temporary folders.
func workFolder(sendmail bool) (string, error) {
	parent := ""
	if sendmail {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		parent = home
	}
	return os.MkdirTemp(parent, "virtmap-")
}

// try prints and counts every result.
func (a *testArgs) try(ctx context.Context, proof *build.Proof, stdio Stdio) error {
	bar := progress("sending mail", proof.Count(), stdio)
	out := bufio.NewWriter(stdio.Out)
	printer := report.Formats[a.format](out, "virtmap test")
	tried, senders, failed := 0, 0, 0
	server := serverOf(proof.Source).Name
	proof.Each = func(r *endtoend.Result) error {
		bar()
		tried++
		c := caseOf(r, server)
		if c.Failure != "" {
			failed++
		}
		return printer.Case(c)
	}
	proof.EachSender = func(r *endtoend.SenderResult) error {
		senders++
		c := senderCaseOf(r, server)
		if c.Failure != "" {
			failed++
		}
		return printer.Case(c)
	}
	if err := proof.Run(ctx); err != nil {
		return machineExit(err, exitIO)
	}
	if err := proof.RunSenders(ctx); err != nil {
		return machineExit(err, exitIO)
	}
	if err := errors.Join(printer.Close(), out.Flush()); err != nil {
		return exit(exitIO, err)
	}
	talk := stdio.Out
	if a.format != "text" {
		talk = stdio.Err
	}
	if !a.quiet || failed > 0 {
		logins := ""
		if senders > 0 {
			logins = fmt.Sprintf(" and %d senders", senders)
		}
		fmt.Fprintf(talk, "tried %d addresses%s over SMTP: %d differ from the inventory\n", tried, logins, failed)
	}
	switch {
	case proof.Unreadable != nil:
		return exit(exitProblems, proof.Unreadable)
	case failed > 0:
		return exit(exitProblems, nil)
	}
	return nil
}
