package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/publish"
)

type buildArgs struct {
	inventory, out, state, mx, mc string
	adopt, dryRun, quiet, timings bool
	reloaded, verify, rollback    bool
	entered                       bool              // the folders are locked
	second                        bool              // this build was begun by another, at its end
	typed                         *buildArgs        // as they were typed
	tell                          func(line string) // prints what was found damaged
	onChange, plan                string
	grace, wait                   time.Duration
	keep                          int
	asking                        askArgs
	guards                        guardArgs
}

// flags are those of every command that works out a build.
func (a *buildArgs) flags() []cli.Flag {
	return append([]cli.Flag{
		inventoryFlag(&a.inventory),
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"},
			Usage: "write the files to `DIR`; without it to host.mail_dir, on the machine that is host.name"},
		&cli.StringFlag{Name: "mc", Destination: &a.mc, TakesFile: true, EnvVars: []string{"VIRTMAP_MC"},
			Usage: "keep the lines sendmail needs as a marked block in `FILE`, the server's sendmail.mc"},
		&cli.StringFlag{Name: "mx", Destination: &a.mx, DefaultText: "dns, or zone with --zone", EnvVars: []string{"VIRTMAP_MX"},
			Usage: "where MX records are looked up, by `MODE`: dns, zone (the files of --zone), or off to serve every domain"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "keep the record of written files in `DIR`; default " + stateInside + " in -o DIR, " + stateServer + " without -o"},
		&cli.BoolFlag{Name: "reloaded", Destination: &a.reloaded, EnvVars: []string{"VIRTMAP_RELOADED"},
			Usage: "sendmail was restarted since the last build: rows of domains that left may go"},
		&cli.DurationFlag{Name: "grace", Value: 24 * time.Hour, Destination: &a.grace, EnvVars: []string{"VIRTMAP_GRACE"},
			Usage: "rows of domains that left go after `TIME`, also where no restart is known of"},
		quietFlag(&a.quiet), timingsFlag(&a.timings),
	}, a.asking.flags()...)
}

// publishFlags are those of a build that writes.
func (a *buildArgs) publishFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
			Usage: "replace files that a person made; print what is lost and keep them in the state folder"},
		&cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Destination: &a.dryRun, EnvVars: []string{"VIRTMAP_DRY_RUN"},
			Usage: "write nothing, print what would be written"},
		&cli.StringFlag{Name: "plan", Destination: &a.plan, TakesFile: true, EnvVars: []string{"VIRTMAP_PLAN"},
			Usage: "do what was reviewed, the plan that diff saved in `FILE`, or nothing"},
		&cli.BoolFlag{Name: "verify", Destination: &a.verify, EnvVars: []string{"VIRTMAP_VERIFY"},
			Usage: "prove the files over SMTP, as test does, before they are put in place"},
		&cli.StringFlag{Name: "on-change", Destination: &a.onChange, EnvVars: []string{"VIRTMAP_ON_CHANGE"},
			Usage: "run `CMD` by /bin/sh when something changed; VIRTMAP_CHANGED says what: map, names, mc"},
		&cli.BoolFlag{Name: "rollback-on-failure", Destination: &a.rollback, EnvVars: []string{"VIRTMAP_ROLLBACK_ON_FAILURE"},
			Usage: "put the old files back when the command of --on-change fails"},
		waitFlag(&a.wait),
		&cli.IntFlag{Name: "keep", Value: 10, Destination: &a.keep, EnvVars: []string{"VIRTMAP_KEEP"},
			Usage: "keep `N` older generations for rollback"},
	}, a.guards.flags()...)
}

func waitFlag(wait *time.Duration) cli.Flag {
	return &cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Destination: wait, EnvVars: []string{"VIRTMAP_WAIT"},
		Usage: "wait for another build that is at work for at most `TIME`"}
}

func buildCommand(stdio Stdio) *cli.Command {
	var a buildArgs
	return &cli.Command{
		Name:  "build",
		Usage: "check the inventory and write the files",
		Description: `Writes virtusertable, local-host-names, virtmap-aliases, their maps and
virtmap.mc, all or none. Says nothing when nothing changed, and one line when
something did. Files that a person made are not replaced without --adopt, which
keeps them as generation 0 for rollback, and what looks like an accident is
refused (exit 5) until --allow names it. What is installed and damaged, a map that
was cut or a text of NULs, is named on stderr and made anew.

A new domain is served when its MX records lead to this server, and held back
and named otherwise (exit 3, or 75 when DNS gave no answer). A domain that is
served stays, whatever DNS says, until a person takes it out, or mx.remove:
auto when two resolvers have said so in three runs over a day; its addresses
are always written as the inventory has them. Only domains that are new, held
back or pending, or were not looked at for mx.recheck are asked about.

A domain that leaves keeps its rows until sendmail was restarted, which its
pid file tells, or --reloaded. --on-change runs a command once, only when
something changed, with what changed in VIRTMAP_CHANGED.

Examples:
  virtmap build -i mail.yaml --mc /etc/mail/sendmail.mc
  virtmap build -q --verify --on-change 'case $VIRTMAP_CHANGED in
    *names*|*mc*) make -C /etc/mail && service sendmail restart;; esac'
  virtmap build -i mail.yaml -o out --zone zones
  virtmap build -i mail.yaml -o out --mx off`,
		Flags:        append(a.flags(), a.publishFlags()...),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "mc", "state", "mx", "plan", "on-change"), a.asking.check(c), a.guards.check(c)); err != nil {
				return err
			}
			switch {
			case a.keep < 0:
				return usage(errors.New("--keep is not below zero"))
			case a.rollback && a.onChange == "":
				return usage(errors.New("--rollback-on-failure goes with --on-change"))
			}
			return followed(a.timings, stdio, func(stdio Stdio) error { return build(c.Context, a, stdio) })
		},
	}
}

func build(ctx context.Context, a buildArgs, stdio Stdio) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	if err := a.mode(); err != nil {
		return err
	}
	typed := a
	a.typed = &typed
	stdio.stages.Enter("look for changes")
	if a.nothingToDo(stdio) {
		return nil
	}
	j, err := a.prepare(ctx, stdio)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.leave()) }()
	if err := a.settle(ctx, j, stdio); err != nil {
		return err
	}
	result, err := publish.Publish(ctx, j.set)
	stdio.stages.end()
	if err != nil && !errors.Is(err, publish.ErrRecord) {
		return a.failed(j, err, stdio)
	}
	if problem := a.warn(j, len(result.Changes), stdio); problem != nil {
		return problem
	}
	a.say(j, result, stdio)
	a.sayWiring(j, result, stdio)
	if err != nil {
		return machineExit(err, exitIO)
	}
	// The command may run virtmap itself, and take its time.
	if err := j.leave(); err != nil {
		return machineExit(err, exitIO)
	}
	j.leave = func() error { return nil }
	if err := a.changed(ctx, j, result, stdio); err != nil {
		return err
	}
	if done, err := a.finishWired(ctx, j, result, stdio); done || err != nil {
		return err
	}
	if err := j.serving.exit(); err != nil {
		return err
	}
	if err := wiringExit(j, result); err != nil {
		return err
	}
	return a.remember(ctx, j, stdio)
}

// settle says how a job is published.
func (a *buildArgs) settle(ctx context.Context, j *job, stdio Stdio) error {
	if a.rollback {
		a.keep = max(a.keep, 1)
	}
	j.set.Keep, j.set.Gap = a.keep, a.gap(j)
	j.set.Meta = a.meta(j)
	j.set.Note = a.kinds
	j.set.Watch = stdio.watcher()
	j.set.Approve = func(changes []publish.Change) error { return a.approve(j, changes, stdio) }
	if a.verify {
		j.set.Verify = func(at func(string) string) error { return a.prove(ctx, j, at, stdio) }
	} else {
		j.source.Model.ForgetAddresses() // they are rows by now
		release(j.source.Model)
	}
	if a.plan != "" {
		return a.asPlanned(j)
	}
	return nil
}

// mode settles where MX records are looked up.
func (a *buildArgs) mode() error {
	zones := len(a.asking.zones.Value()) > 0
	switch {
	case a.mx == "" && zones:
		a.mx = mxZone
	case a.mx == "":
		a.mx = mxDNS
	case a.mx != mxDNS && a.mx != mxZone && a.mx != mxOff:
		return usage(fmt.Errorf("--mx %q: it is dns, zone or off", a.mx))
	case a.mx == mxZone && !zones:
		return usage(errors.New("--mx zone needs the zone files: --zone FILE or --zone DIR"))
	case a.mx != mxZone && zones:
		return usage(fmt.Errorf("--zone and --mx %s exclude each other", a.mx))
	case a.mx == mxOff && len(a.asking.resolvers.Value()) > 0:
		return usage(errors.New("--resolver and --mx off exclude each other: nobody is asked"))
	}
	return nil
}
