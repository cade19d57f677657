package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mapfile"
	"virtmap/internal/mmap"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/conf"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
)

// keptArgs say where generations are kept.
type keptArgs struct {
	out, state string
	adopt      bool
	unwired    bool // also where the server does not read what the rows lead to
	wait, gap  time.Duration

	also []publish.Output // to be written beside a generation
}

func (a *keptArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"}, DefaultText: mcfile.DefaultDir,
			Usage: "the files are in `DIR`"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "the generations are in `DIR`; default " + stateInside + " in -o DIR, " + stateServer + " without -o"},
	}
}

func (a *keptArgs) place() {
	if a.out == "" {
		a.out, a.state, a.gap = mcfile.DefaultDir, firstOf(a.state, stateServer), mapGap
	}
	a.state = firstOf(a.state, filepath.Join(a.out, stateInside))
}

func historyCommand(stdio Stdio) *cli.Command {
	var a keptArgs
	var format string
	return &cli.Command{
		Name:  "history",
		Usage: "list the generations that rollback can bring back",
		Description: `Lists the sets of files that builds have put in place and that are kept: when,
by whom, what was in them, and the digest of the inventory. The last is the one
that is installed, unless somebody changed it since. One that is damaged is named
on stderr and left out.

Examples:
  virtmap history
  virtmap history -o out --format json`,
		Flags: append(a.flags(), &cli.StringFlag{Name: "format", Value: "text", Destination: &format, EnvVars: []string{"VIRTMAP_FORMAT"},
			Usage: "print `FORMAT`: text or json"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := errors.Join(noArguments(c), notEmpty(c, "output", "state", "format")); err != nil {
				return err
			}
			if format != "text" && format != "json" {
				return usage(fmt.Errorf("--format %q: it is text or json", format))
			}
			a.place()
			all, damaged, err := publish.Sound(publish.OS, a.state)
			if err != nil {
				return machineExit(err, exitIO)
			}
			for _, line := range damaged {
				stdio.tell(line)
			}
			if len(all) == 0 {
				stdio.tell(fmt.Sprintf("no generation of %q is kept in %q; -o DIR names another folder", a.out, a.state))
			}
			if format == "json" {
				return machineExit(json.NewEncoder(stdio.Out).Encode(append([]publish.Meta{}, all...)), exitIO)
			}
			return machineExit(printHistory(all, stdio), exitIO)
		},
	}
}

func printHistory(all []publish.Meta, stdio Stdio) error {
	out := tabwriter.NewWriter(stdio.Out, 0, 0, 2, ' ', 0)
	for _, m := range slices.Backward(all) {
		what := m.Contents
		if m.Note != "" {
			what = strings.TrimSpace(m.Note + " " + m.Contents)
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%.12s\n", m.Number, m.Time.Format(time.RFC3339), diag.Printable(m.Who), diag.Printable(what), m.Digest)
	}
	return out.Flush()
}

func rollbackCommand(stdio Stdio) *cli.Command {
	var a keptArgs
	return &cli.Command{
		Name:      "rollback",
		Usage:     "put the files of an earlier generation back",
		ArgsUsage: "[GENERATION]",
		Description: `Puts the set before the last back in place, or the one that history has under a
number, with the same swap as a build. It is a generation of its own, so that it
can be undone in turn. The next build writes what the inventory says again:
stop cron, or mend the inventory, first. Rows that lead to virtmap-aliases are not
put back (exit 5) while the running server does not read that file.

Examples:
  virtmap rollback
  virtmap rollback 7 -o out`,
		Flags: append(a.flags(), waitFlag(&a.wait),
			&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
				Usage: "replace files that a person changed since the last build"},
			&cli.BoolFlag{Name: "unwired", Destination: &a.unwired, EnvVars: []string{"VIRTMAP_UNWIRED"},
				Usage: "put rows in place also where the server does not read the aliases that they lead to"}),
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if err := notEmpty(c, "output", "state"); err != nil {
				return err
			}
			number := -1
			if c.NArg() > 0 {
				n, err := strconv.Atoi(c.Args().First())
				if err != nil || n < 0 || c.NArg() > 1 {
					return usage(fmt.Errorf("rollback takes one generation, a number of history, not %q", strings.Join(c.Args().Slice(), " ")))
				}
				number = n
			}
			a.place()
			return rollback(c.Context, a, number, stdio)
		},
	}
}

func rollback(ctx context.Context, a keptArgs, number int, stdio Stdio) (err error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	holder := publish.Holder{PID: os.Getpid(), Command: "virtmap rollback", Since: time.Now().Truncate(time.Second), Wait: a.wait, Tell: stdio.tell}
	if _, err := os.Stat(a.state); err != nil {
		return machineExit(err, exitNoInput) // nothing is made where nothing is kept
	}
	leave, err := publish.Enter(ctx, publish.OS, a.out, a.state, holder)
	if err != nil {
		return machineExit(err, exitIO)
	}
	defer func() { err = errors.Join(err, leave()) }()
	before := classW(a.out)
	m, result, err := a.restore(ctx, number, stdio)
	var foreign *publish.Foreign
	if errors.As(err, &foreign) {
		sayLosses(foreign.Files, nil, "would lose", stdio)
		return exit(exitRefused, fmt.Errorf("%w; nothing was written. --adopt replaces them", foreign))
	}
	if err != nil {
		return machineExit(err, exitIO)
	}
	if len(result.Changes) == 0 {
		fmt.Fprintf(stdio.Out, "generation %d is in place already\n", m.Number)
		return nil
	}
	a.sayRestored(m, result, before, stdio)
	return nil
}

// classW are the names of an installed local-host-names.
func classW(dir string) (names []string) {
	text, _ := readIfThere(filepath.Join(dir, mcfile.HostNames)) // a file that cannot be read has been told of
	var sources diag.Sources
	if src, err := sources.Add("", string(text)); err == nil {
		names = listedNames(src, &diag.List{})
	}
	return names
}

// sayRestored says what is in place, and what is not what it was then.
func (a *keptArgs) sayRestored(m publish.Meta, result publish.Report, before []string, stdio Stdio) {
	now := classW(a.out)
	own, _ := hostOf(a.out) // sendmail takes mail for it without being told; only a warning depends on it
	gone := slices.DeleteFunc(before, func(name string) bool { return slices.Contains(now, name) || name == own })
	next := "sendmail sees a new map by itself"
	switch kinds := (&buildArgs{}).kinds(result.Changes); {
	case len(gone) > 0:
		next = "restart sendmail NOW: until then it takes mail for " + strings.Join(gone, ", ") + " to local accounts"
	case kinds != "map":
		next = "restart sendmail: its names changed"
	}
	var others []string
	for _, name := range []string{mcfile.Virtusertable, mcfile.Aliases, mcfile.RelayDomains, mcfile.HostNames, mcfile.Include} {
		if _, kept := m.Files[name]; kept {
			continue
		}
		if _, err := os.Stat(filepath.Join(a.out, name)); err == nil {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		next += "; generation " + strconv.Itoa(m.Number) + " had no " + strings.Join(others, ", ") + ": " + a.whatToRemove(others)
	}
	line := fmt.Sprintf("put generation %d of %s back (%s); %s. The next build writes what the inventory says again",
		m.Number, m.Time.Format(time.RFC3339), firstOf(m.Contents, m.Note), next)
	fmt.Fprintln(stdio.Out, diag.Printable(line))
}

// whatToRemove says which of the files that a generation did not have may be
// removed. Those that a configuration names may not: a missing alias file holds up
// all local mail.
func (a *keptArgs) whatToRemove(names []string) string {
	config, err := conf.Read(a.out)
	if err != nil {
		return "remove what sendmail does not read"
	}
	var named, by []string
	for _, name := range names {
		if slices.ContainsFunc(config.Paths(), func(path string) bool { return mapfile.WithoutSuffix(filepath.Base(path)) == name }) {
			named, by = append(named, name), append(by, config.Path)
		}
	}
	mc := filepath.Join(a.out, conf.MCName)
	text, err := readIfThere(mc)
	if err == nil && slices.Contains(names, mcfile.Include) && strings.Contains(string(text), mcfile.Include) {
		named, by = append(named, mcfile.Include), append(by, mc) // sendmail.cf is made of it
	}
	if len(named) == 0 {
		return "nothing reads them, and they may be removed"
	}
	return fmt.Sprintf("%s still names %s; take that out and restart sendmail before you remove the file",
		strings.Join(slices.Compact(by), " or "), strings.Join(named, ", "))
}

// restore swaps a generation in; below zero it is the one before the last.
func (a *keptArgs) restore(ctx context.Context, number int, stdio Stdio) (publish.Meta, publish.Report, error) {
	all, damaged, err := publish.Sound(publish.OS, a.state)
	if err != nil {
		return publish.Meta{}, publish.Report{}, err
	}
	for _, line := range damaged {
		stdio.tell(line)
	}
	at := slices.IndexFunc(all, func(m publish.Meta) bool { return m.Number == number })
	if number < 0 {
		at = publish.Current(publish.OS, a.state, all) - 1
	}
	if at < 0 {
		return publish.Meta{}, publish.Report{}, exit(exitNoInput, errors.New("there is no such generation; virtmap history lists them"))
	}
	m := all[at]
	owner := -1
	if os.Geteuid() == 0 {
		owner = sendmail.TrustedUser(a.out, lookupUser)
	}
	content := func(name string) ([]byte, error) { return m.Content(publish.OS, a.state, name) }
	if err := a.restorable(m, content); err != nil {
		return m, publish.Report{}, err
	}
	outputs, err := fileset.Restored(sendmail.Server, m, content, a.out, owner)
	if err != nil {
		return m, publish.Report{}, err
	}
	meta := publish.Meta{Time: time.Now().UTC().Truncate(time.Second), Who: whoAmI(), Inventory: m.Inventory, Digest: m.Digest, Contents: m.Contents,
		Note: fmt.Sprintf("rollback to %d:", m.Number)}
	set := publish.Set{Outputs: append(outputs, a.also...), State: a.state, Adopt: a.adopt, Entered: true, FS: publish.OS, Meta: meta, Keep: len(all) + 1, Gap: a.gap}
	set.Tell = func(line string) {
		if !slices.Contains(damaged, line) { // those were printed above
			stdio.tell(line)
		}
	}
	result, err := publish.Publish(ctx, set)
	stdio.tellDamage(result.Changes, nil, "the file of the generation is in its place")
	return m, result, err
}

// undo puts back what was installed before a build.
func (a *buildArgs) undo(ctx context.Context, j *job, stdio Stdio) (err error) {
	ctx = context.WithoutCancel(ctx)
	leave, err := a.enter(ctx, a.out, a.state)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	kept := keptArgs{out: a.out, state: a.state, gap: j.set.Gap, unwired: true}
	for _, out := range j.set.Outputs {
		if !out.Shared {
			continue
		}
		written, err := readIfThere(out.Path)
		if err != nil {
			return err
		}
		kept.also = append(kept.also, asItWas(out, written))
	}
	all, _, err := publish.Generations(publish.OS, a.state)
	if err != nil {
		return err
	}
	before := publish.Current(publish.OS, a.state, all) - 1
	if before < 0 {
		return errors.New("no generation has the files that were there before")
	}
	_, _, err = kept.restore(ctx, all[before].Number, stdio) // and no earlier one, where this one is damaged
	return err
}

// asItWas gives the output that puts a shared file back.
func asItWas(out publish.Output, written []byte) publish.Output {
	base := out.Base
	out.Base = written
	out.Same = func(image *mmap.Image) bool { return image.Equal(base) }
	out.Write = func(w io.WriteSeeker) error { _, err := w.Write(base); return err }
	out.Check = func(image *mmap.Image) error {
		if !image.Equal(base) {
			return errors.New("it differs from what was written")
		}
		return nil
	}
	out.Lost = func(*mmap.Image) []string { return nil }
	return out
}
