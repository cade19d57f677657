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
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/urfave/cli/v2"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mmap"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/publish"
)

type diffArgs struct {
	buildArgs
	unified, exitCode bool
	format, save      string
}

func diffCommand(stdio Stdio) *cli.Command {
	var a diffArgs
	return &cli.Command{
		Name:  "diff",
		Usage: "say what a build would change, as outcomes",
		Description: `Compares what the inventory says with what is installed, read back from the maps,
and says for every address what becomes of its mail before and after, by domain.
Drift comes with it: a text that was edited without its map, or a map that is
older. What guards would refuse is named at the end. Writes nothing; asks DNS as
build does (--mx off asks nobody).

--save keeps what was reviewed as a plan: build --plan does exactly that, or
refuses.

Examples:
  virtmap diff -i mail.yaml
  virtmap diff -o out --mx off --exit-code --format markdown
  virtmap diff --save plan.json && virtmap build --plan plan.json`,
		Flags: append(a.flags(),
			&cli.BoolFlag{Name: "unified", Aliases: []string{"u"}, Destination: &a.unified, EnvVars: []string{"VIRTMAP_UNIFIED"},
				Usage: "print the lines of the text files that change instead"},
			&cli.StringFlag{Name: "format", Value: "text", Destination: &a.format, EnvVars: []string{"VIRTMAP_FORMAT"},
				Usage: "print `FORMAT`: text, json or markdown"},
			&cli.BoolFlag{Name: "exit-code", Destination: &a.exitCode, EnvVars: []string{"VIRTMAP_EXIT_CODE"},
				Usage: "exit with 4 when a build would change something"},
			&cli.StringFlag{Name: "save", Destination: &a.save, TakesFile: true, EnvVars: []string{"VIRTMAP_SAVE"},
				Usage: "keep what was reviewed in `FILE`, for build --plan"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := errors.Join(notEmpty(c, "inventory", "output", "mc", "state", "mx", "format", "save"), a.asking.check(c)); err != nil {
				return err
			}
			if a.format != "text" && a.format != "json" && a.format != "markdown" {
				return usage(fmt.Errorf("--format %q: it is text, json or markdown", a.format))
			}
			a.guards.maxRemoved, a.guards.minSize = -1, -1
			return followed(a.timings, stdio, func(stdio Stdio) error { return a.run(c.Context, stdio) })
		},
	}
}

func (a *diffArgs) run(ctx context.Context, stdio Stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	a.dryRun, a.adopt = true, true
	j, err := a.prepare(ctx, stdio)
	if err != nil {
		return err
	}
	j.set.Watch = stdio.watcher()
	// What a person changed is compared like everything else; build refuses it.
	pending, err := publish.Publish(ctx, j.set)
	if err != nil {
		return machineExit(err, exitIO)
	}
	stdio.stages.Enter("compare outcomes")
	c, err := a.compare(j, pending.Changes, stdio)
	if err == nil {
		c.Drift, err = fileset.Drift(sendmail.Server, a.out)
	}
	if err != nil {
		return machineExit(err, exitIO)
	}
	stdio.tellDamage(pending.Changes, j.instead, "a build makes it anew")
	if a.save != "" {
		p, err := planOf(j)
		if err == nil {
			err = p.save(a.save)
		}
		if err != nil {
			return err
		}
	}
	stdio.stages.end()
	out := bufio.NewWriter(stdio.Out)
	if err := errors.Join(a.print(out, j, c, pending), out.Flush()); err != nil {
		return exit(exitIO, err)
	}
	if a.exitCode && len(pending.Changes) > 0 {
		return exit(exitPending, nil)
	}
	return nil
}

func (a *diffArgs) print(w io.Writer, j *job, c change.Change, pending publish.Report) error {
	d := diffOutput{Change: c, alarms: c.Alarms(a.guards.limits(j.source.Model), nil)}
	for _, file := range pending.Changes {
		d.files = append(d.files, filepath.Base(file.Path))
		if file.Kept != "" && file.Damage == "" {
			d.alarms = append(d.alarms, change.Alarm{Guard: byHand, Text: file.Path + " was not written by virtmap, or changed since"})
		}
	}
	if held := bases(pending.Held); len(held) > 0 {
		d.alarms = append(d.alarms, change.Alarm{Guard: change.Unwired, Text: strings.Join(held, " ") + " wait until the server reads what they lead to: " + strings.Join(j.wiring.Says(), "; ")})
	}
	switch {
	case a.unified:
		return a.unifiedDiff(w, j)
	case a.format == "json":
		return d.json(w)
	case a.format == "markdown":
		return d.markdown(w)
	}
	return d.text(w)
}

// unifiedDiff prints the text files that change, line by line.
func (a *diffArgs) unifiedDiff(w io.Writer, j *job) error {
	for _, out := range j.set.Outputs {
		if out.Source != "" {
			continue // a map; its text is here too
		}
		old, err := readIfThere(out.Path)
		if err != nil {
			return err
		}
		if old == nil && out.IfKnown || out.Same(mmap.Of(old)) && old != nil {
			continue
		}
		next, err := contentOf(out)
		if err != nil {
			return err
		}
		shown := diag.Printable(out.Path)
		if _, err := w.Write(diff.Diff(shown, old, shown, next)); err != nil {
			return err
		}
	}
	return nil
}

// contentOf gives what a text file would become. Texts are written from the
// beginning to the end.
func contentOf(out publish.Output) ([]byte, error) {
	var w bytesWriter
	err := out.Write(&w)
	return w.content, err
}

// A bytesWriter keeps what is written to it.
type bytesWriter struct{ content []byte }

func (b *bytesWriter) Write(p []byte) (int, error) {
	b.content = append(b.content, p...)
	return len(p), nil
}

func (b *bytesWriter) Seek(int64, int) (int64, error) { return 0, os.ErrInvalid }
