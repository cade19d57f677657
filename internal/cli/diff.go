package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/change"
	"virtmap/internal/diag"
)

type diffArgs struct {
	buildArgs
	unified, exitCode bool
	format, save      string
	domains           cli.StringSlice
}

func diffCommand(stdio Stdio) *cli.Command {
	var a diffArgs
	return &cli.Command{
		Name:  "diff",
		Usage: "say what a build would change, address by address",
		Description: `Compares the inventory with what is installed, which it reads back from the maps.
It says for every address what becomes of its mail before and after, by domain. It
shows drift too: a text that was edited without its map, or a map that is older.
At the end it names what guards would refuse. It writes nothing. It asks DNS as
build does; with --mx off it asks no DNS.

--domain says only what changes in some domains, among them such as leave the
inventory. With --exit-code only these changes count. Guards and drift are those of
the whole build.

--save writes the result as a plan: build --plan does exactly that, or refuses.

Examples:
  virtmap diff -i mail.yaml
  virtmap diff -o out --mx off --exit-code --format markdown
  virtmap diff --save plan.json && virtmap build --plan plan.json`,
		Flags: append(a.flags(),
			domainFlag(&a.domains, "say the changes"),
			&cli.BoolFlag{Name: "unified", Aliases: []string{"u"}, Destination: &a.unified, EnvVars: []string{"VIRTMAP_UNIFIED"},
				Usage: "print the changed lines of the text files instead"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text, json or markdown"},
			&cli.BoolFlag{Name: "exit-code", Destination: &a.exitCode, EnvVars: []string{"VIRTMAP_EXIT_CODE"},
				Usage: "exit with 4 when a build would change something"},
			&cli.StringFlag{Name: "save", Destination: &a.save, TakesFile: true, EnvVars: []string{"VIRTMAP_SAVE"},
				Usage: "write the plan to `FILE`, for build --plan"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "config", "state", "mx", "format", "save"), a.asking.check(c)); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" && a.format != "markdown" {
				return usage(fmt.Errorf("--format %q: it is text, json or markdown", a.format))
			}
			if len(a.domains.Value()) > 0 && (a.unified || a.save != "") {
				return usage(errors.New("--unified and --save are about whole files; leave --domain out"))
			}
			a.guards.maxRemoved, a.guards.minSize = -1, -1
			return followed(a.timings, stdio, func(stdio Stdio) error { return a.run(c.Context, stdio) })
		},
	}
}

func (a *diffArgs) run(ctx context.Context, stdio Stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	options, err := a.options(stdio)
	if err != nil {
		return err
	}
	options.All = a.save != "" || len(a.domains.Value()) > 0
	review, err := build.Review(ctx, options, &narrator{stages: stdio.stages, stdio: stdio, quiet: a.quiet})
	var host *build.OtherHost
	if errors.As(err, &host) {
		return exit(exitRefused, errors.New(otherHostText(host, "its files here are not compared")))
	}
	if err != nil {
		return buildExit(err, stdio)
	}
	if err := a.onlyDomains(&review); err != nil {
		return err
	}
	stdio.tellDamage(review.Changes, review.Instead, "a build makes it anew")
	if a.save != "" {
		if err := savePlan(&review, a.save); err != nil {
			return err
		}
	}
	stdio.stages.End()
	out := bufio.NewWriter(stdio.Out)
	if err := errors.Join(a.print(out, &review), out.Flush()); err != nil {
		return exit(exitIO, err)
	}
	changes := len(review.Changes) > 0
	if len(a.domains.Value()) > 0 {
		changes = len(review.Change.Domains) > 0
	}
	if a.exitCode && changes {
		return exit(exitPending, nil)
	}
	return nil
}

// onlyDomains keeps the changes of the domains of --domain. A domain that leaves the
// inventory may be named too.
func (a *diffArgs) onlyDomains(review *build.Reviewed) error {
	if len(a.domains.Value()) == 0 {
		return nil
	}
	known := slices.Collect(domainNames(review.Inventory))
	for _, d := range review.Change.Domains {
		known = append(known, d.Name)
	}
	chosen, err := chooseNames(known, a.domains.Value())
	if err != nil {
		return err
	}
	review.Change.Domains = slices.DeleteFunc(review.Change.Domains, func(d change.Domain) bool { return !chosen.has(d.Name) })
	onlySenders(&review.Change, chosen.has)
	return nil
}

// savePlan writes the plan of what was reviewed.
func savePlan(review *build.Reviewed, path string) error {
	plan, err := review.Plan()
	if err != nil {
		return machineExit(err, exitIO)
	}
	text, err := plan.Text()
	if err != nil {
		return machineExit(err, exitSoftware)
	}
	return machineExit(writeWhole(path, text), exitCannotWrite)
}

func (a *diffArgs) print(w io.Writer, review *build.Reviewed) error {
	d := diffOutput{Change: review.Change, alarms: review.Alarms, chosen: strings.Join(a.domains.Value(), ", ")}
	for _, file := range review.Changes {
		d.files = append(d.files, filepath.Base(file.Path))
		if file.Kept != "" && file.Damage == "" {
			d.alarms = append(d.alarms, byHandAlarm(file.Path))
		}
	}
	if held := bases(review.Held); len(held) > 0 {
		d.alarms = append(d.alarms, change.Alarm{Guard: change.Unwired, Text: strings.Join(held, " ") + " wait until the server reads what they lead to: " + strings.Join(review.Missing, "; ")})
	}
	switch {
	case a.unified:
		return review.EachText(func(path string, old, next []byte) error {
			shown := diag.Printable(path)
			_, err := w.Write(diff.Diff(shown, old, shown, next))
			return err
		})
	case a.format == "json":
		return d.json(w)
	case a.format == "markdown":
		return d.markdown(w)
	}
	return d.text(w)
}
