package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/mta/servers"
)

type buildArgs struct {
	inventory, out, state, mx, config string
	adopt, dryRun, quiet, timings     bool
	reloaded, verify, rollback        bool
	onChange, plan                    string
	format, metrics                   string
	grace, wait                       time.Duration
	keep                              int
	asking                            askArgs
	guards                            guardArgs
}

// flags returns the flags of every command that works out a build.
func (a *buildArgs) flags() []cli.Flag {
	return append([]cli.Flag{
		inventoryFlag(&a.inventory),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the files to `DIR`; without this flag to host.mail_dir, only on the machine that is host.name"},
		&cli.StringFlag{Name: "config", Aliases: []string{"mc"}, Destination: &a.config, TakesFile: true, EnvVars: []string{"VIRTMAP_CONFIG", "VIRTMAP_MC"},
			Usage: "keep the lines the server needs as a marked block in `FILE`, a sendmail.mc or main.cf"},
		&cli.StringFlag{Name: "mx", Destination: &a.mx, DefaultText: "dns, or zone with --zone", EnvVars: []string{"VIRTMAP_MX"},
			Usage: "look MX records up by `MODE`: dns, zone (the files of --zone), or off (serve every domain)"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "keep the state (records, verdicts, generations) in `DIR`; default " + build.StateInside + " in -o DIR, " + build.StateServer + " without -o"},
		&cli.BoolFlag{Name: "reloaded", Destination: &a.reloaded, EnvVars: []string{"VIRTMAP_RELOADED"},
			Usage: "say that the server was restarted or reloaded since the last build: the rows of domains that left are removed"},
		&cli.DurationFlag{Name: "grace", Value: 24 * time.Hour, Destination: &a.grace, EnvVars: []string{"VIRTMAP_GRACE"},
			Usage: "remove the rows of domains that left after `TIME`, also when no restart or reload is known"},
		quietFlag(&a.quiet), timingsFlag(&a.timings),
	}, a.asking.flags()...)
}

// publishFlags returns the flags of a build that writes.
func (a *buildArgs) publishFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
			Usage: "replace files that a person made; print what is lost, and keep the old files in the state folder"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Destination: &a.dryRun, EnvVars: []string{"VIRTMAP_DRY_RUN"},
			Usage: "write nothing, print what would be written"},
		&cli.StringFlag{Name: "plan", Destination: &a.plan, TakesFile: true, EnvVars: []string{"VIRTMAP_PLAN"},
			Usage: "do exactly what the plan in `FILE` says, which diff --save wrote, or nothing"},
		&cli.BoolFlag{Name: "verify", Destination: &a.verify, EnvVars: []string{"VIRTMAP_VERIFY"},
			Usage: "test the files over SMTP, as virtmap test does, before they are put in place"},
		&cli.StringFlag{Name: "on-change", Destination: &a.onChange, EnvVars: []string{"VIRTMAP_ON_CHANGE"},
			Usage: "run `CMD` with /bin/sh when something changed; VIRTMAP_CHANGED has the kinds of change"},
		&cli.BoolFlag{Name: "rollback-on-failure", Destination: &a.rollback, EnvVars: []string{"VIRTMAP_ROLLBACK_ON_FAILURE"},
			Usage: "put the old files back when the command of --on-change fails"},
		waitFlag(&a.wait),
		&cli.IntFlag{Name: "keep", Value: 10, Destination: &a.keep, EnvVars: []string{"VIRTMAP_KEEP"},
			Usage: "keep `N` older generations for rollback"},
		&cli.StringFlag{Name: "format", Value: textFormat, Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
			Usage: "print `FORMAT`: text, or json, one document of what was done"},
		&cli.StringFlag{Name: "metrics", Destination: &a.metrics, TakesFile: true, EnvVars: []string{"VIRTMAP_METRICS"},
			Usage: "write metrics for Prometheus to `FILE`, also when the build fails"},
	}, a.guards.flags()...)
}

func waitFlag(wait *time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Destination: wait, EnvVars: []string{"VIRTMAP_WAIT"},
		Usage: "wait at most `TIME` for another build that is at work"}
}

func buildCommand(stdio Stdio) *cli.Command {
	var a buildArgs
	return &cli.Command{
		Name:  "build",
		Usage: "check the inventory and write the files",
		Description: `Writes the files of the mail server, all of them or none. For sendmail these are
virtusertable, virtmap-aliases and their maps, local-host-names and virtmap.mc. For
Postfix they are the tables virtmap-* with their maps, and virtmap.main.cf. It
prints one line when something changed, and nothing otherwise. Without --adopt it
does not replace a file that a person made; with --adopt it keeps the old files as
a generation for rollback. It refuses what looks like an accident (exit 5) until
--allow names it. An installed file that is damaged, such as a map that was cut, is
named on standard error and written again.

A new domain is served when its MX records lead to this server. Otherwise it is
held back and named (exit 3, or 75 when DNS gave no answer). A served domain stays
served, whatever DNS says, until a person takes it out. With mx.remove: auto it
leaves when two resolvers spoke against it in three runs over a day. Its addresses
are always written as the inventory has them. The build asks about domains that
are new, held back or pending, and about those with an answer older than
mx.recheck.

A domain that leaves keeps its rows until sendmail was restarted, or Postfix was
reloaded; for Exim it leaves at once. The build sees that, or --reloaded says so.
--on-change runs a command once, and only when something changed; VIRTMAP_CHANGED
has the kinds of change: map, names, mc for sendmail or config for Postfix and Exim,
and signer for opendkim. The server sees a changed map by itself.

--format json prints what was done as one document for programs, also when the
build fails. --metrics keeps the same figures for Prometheus.

Examples:
  virtmap build -i mail.yaml --config /etc/mail/sendmail.mc
  virtmap build -i mail.yaml --config /etc/postfix/main.cf
  virtmap build -q --verify --on-change 'case $VIRTMAP_CHANGED in
    *names*|*mc*) make -C /etc/mail && service sendmail restart;; esac'
  virtmap build -q --on-change 'case $VIRTMAP_CHANGED in
    *names*|*config*) postfix reload;; esac'
  virtmap build -i mail.yaml -o out --zone zones
  virtmap build -i mail.yaml -o out --mx off --format json`,
		Flags:        append(a.flags(), a.publishFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "config", "state", "mx", "plan", "on-change", "format", "metrics"), a.asking.check(c), a.guards.check(c)); err != nil {
				return err
			}
			switch {
			case a.keep < 0:
				return usage(errors.New("--keep is not below zero"))
			case a.rollback && a.onChange == "":
				return usage(errors.New("--rollback-on-failure goes with --on-change"))
			case a.format != textFormat && a.format != "json":
				return usage(fmt.Errorf("--format %q: it is text or json", a.format))
			case a.metrics != "" && a.dryRun:
				return usage(errors.New("--metrics and --dry-run exclude each other: a dry run is no build"))
			}
			if a.metrics != "" && !strings.HasSuffix(a.metrics, ".prom") {
				stdio.tell(fmt.Sprintf("virtmap: --metrics %s: the collector of node_exporter reads only files whose names end in .prom", a.metrics))
			}
			return followed(a.timings, stdio, func(stdio Stdio) error { return a.run(c.Context, stdio) })
		},
	}
}

// run builds, and writes the metrics of the run, also if it panics.
func (a *buildArgs) run(ctx context.Context, stdio Stdio) (err error) {
	record := &buildRecord{}
	ended := false
	defer func() { err = a.measure(record, ended, err, stdio) }()
	err = a.recorded(ctx, record, stdio)
	ended = true
	return err
}

// recorded builds, and prints the document of what was done if it is asked for.
func (a *buildArgs) recorded(ctx context.Context, record *buildRecord, stdio Stdio) error {
	options, err := a.options(stdio)
	if err != nil {
		record.failure = err
		return err
	}
	err = a.build(ctx, options, record, stdio)
	if a.format != "json" {
		return err
	}
	stdio.stages.hide()
	if problem := a.printBuild(stdio.Out, record, err); problem != nil && err == nil {
		return exit(exitIO, problem)
	}
	return err
}

// build runs a build and stores in a record what it did.
func (a *buildArgs) build(ctx context.Context, options build.Options, record *buildRecord, stdio Stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	inDocument := a.format == "json"
	options.Watched = options.Watched || inDocument // who reads a document gets all messages every time
	options.Figures = inDocument || a.metrics != ""
	narrator := &narrator{stages: stdio.stages, stdio: stdio, quiet: a.quiet, dryRun: a.dryRun, record: record, inDocument: inDocument}
	result, err := build.Run(ctx, options, narrator)
	if record.failure = err; err != nil {
		return buildExit(err, stdio)
	}
	record.result = &result // also of a build that had nothing to do
	return resultExit(&result)
}

// options returns the options of the build.
func (a *buildArgs) options(stdio Stdio) (build.Options, error) {
	mode, err := a.mode()
	if err != nil {
		return build.Options{}, err
	}
	asking, err := a.asking.from(mode)
	return build.Options{
		Servers: servers.All, Known: servers.Checks(),
		Inventory: a.inventory, Load: stdio.load, IncludeFrom: stdio.includeFolders(),
		Folders: build.Folders{Out: a.out, State: a.state}, Config: a.config, MX: asking,
		Adopt: a.adopt, DryRun: a.dryRun, Quiet: a.quiet, Watched: isTerminal(stdio.Err),
		Reloaded: a.reloaded, Verify: a.verify, Undo: a.rollback, Plan: a.plan, OnChange: a.onChange, Output: stdio.Err,
		Guards: a.guards.guards(), Keep: a.keep, Grace: a.grace, Wait: a.wait,
		Command: "virtmap build -i " + a.inventory, Program: version(),
	}, err
}

// mode returns the mode for the source of MX records.
func (a *buildArgs) mode() (string, error) {
	zones := len(a.asking.zones.Value()) > 0
	switch {
	case a.mx == "" && zones:
		return build.MXFromZones, nil
	case a.mx == "":
		return build.MXFromDNS, nil
	case a.mx != build.MXFromDNS && a.mx != build.MXFromZones && a.mx != build.MXOff:
		return "", usage(fmt.Errorf("--mx %q: it is dns, zone or off", a.mx))
	case a.mx == build.MXFromZones && !zones:
		return "", usage(errors.New("--mx zone needs the zone files: --zone FILE or --zone DIR"))
	case a.mx != build.MXFromZones && zones:
		return "", usage(fmt.Errorf("--zone and --mx %s exclude each other", a.mx))
	case a.mx == build.MXOff && len(a.asking.resolvers.Value()) > 0:
		return "", usage(errors.New("--resolver and --mx off exclude each other: no DNS is asked"))
	}
	return a.mx, nil
}
