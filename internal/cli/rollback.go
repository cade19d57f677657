package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
)

// keptArgs are the flags for the folders of generations.
type keptArgs struct {
	out, state string
	kind       string
	adopt      bool
	unwired    bool // restore even if the server does not read what the rows lead to
	wait       time.Duration
}

func (a *keptArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Destination: &a.out, EnvVars: []string{"VIRTMAP_OUTPUT"}, Usage: "the files are in `DIR`; default that of the last build with this state"},
		&cli.StringFlag{Name: "state", Destination: &a.state, EnvVars: []string{"VIRTMAP_STATE"},
			Usage: "the generations are in `DIR`; default " + build.StateInside + " in -o DIR, " + build.StateServer + " without -o"},
		kindFlag(&a.kind),
	}
}

// folders returns the folders of the files and of the generations, and their server.
// Without -o the files are in the folder that the newest generation names.
func (a *keptArgs) folders() (build.Folders, *mta.Server, error) {
	f := build.Folders{Out: a.out, State: a.state}
	f.State = f.Installed(defaultServer).State
	if f.Out == "" {
		_, f.Out = build.Last(f.State)
	}
	server, err := kindOf(a.kind, f.Out, f.State)
	if err != nil {
		return f, nil, err
	}
	return f.Installed(server), server, nil
}

func rollbackCommand(stdio Stdio) *cli.Command {
	var a keptArgs
	return &cli.Command{
		Name:      "rollback",
		Usage:     "put the files of an earlier generation back",
		ArgsUsage: "[GENERATION]",
		Description: `Puts a set of files back in place, with the same swap as a build: the one before
the last, or the GENERATION that virtmap history lists. A rollback is a generation
of its own, so it can be undone in turn. The next build writes again what the
inventory says: stop cron, or mend the inventory, first. Rows that lead to
virtmap-aliases are not put back (exit 5) while the running server does not read
that file.

Examples:
  virtmap rollback
  virtmap rollback 7 -o out`,
		Flags: append(a.flags(), waitFlag(&a.wait),
			&cli.BoolFlag{Name: "adopt", Destination: &a.adopt, EnvVars: []string{"VIRTMAP_ADOPT"},
				Usage: "replace files that a person changed since the last build"},
			&cli.BoolFlag{Name: "unwired", Destination: &a.unwired, EnvVars: []string{"VIRTMAP_UNWIRED"},
				Usage: "put rows in place also when the server does not read the aliases that they lead to"}),
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
			return a.rollback(c.Context, number, stdio)
		},
	}
}

func (a *keptArgs) rollback(ctx context.Context, number int, stdio Stdio) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	folders, server, err := a.folders()
	if err != nil {
		return err
	}
	if _, err := os.Stat(folders.State); errors.Is(err, fs.ErrNotExist) {
		return exit(exitNoInput, errors.New(noGeneration(folders)))
	}
	back := build.Restoring{Folders: folders, Server: server, Number: number, Adopt: a.adopt, Unwired: a.unwired, Command: "virtmap rollback", Wait: a.wait, Tell: stdio.tell}
	if a.out == "" {
		back.Gap = server.MapGap
	}
	restored, err := back.Restore(ctx)
	var unread *build.Unread
	switch {
	case errors.As(err, &unread):
		return exit(exitRefused, fmt.Errorf("generation %d and the server do not fit together at %s, so that mail would be refused, and nothing was written: %s. Mend this first; --unwired lets it pass",
			unread.Generation, unread.File, strings.Join(unread.Missing, "; ")))
	case err != nil:
		return buildExit(err, stdio)
	case len(restored.Changes) == 0:
		fmt.Fprintf(stdio.Out, "generation %d is in place already in %s\n", restored.Meta.Number, diag.Printable(folders.Out))
	default:
		sayRestored(&restored, &back, stdio)
	}
	return nil
}

// orderRestored says what a person must do so that the server uses what is in place again.
func orderRestored(r *build.Restored, server *mta.Server) (order string) {
	switch {
	case len(r.Gone) > 0:
		order = server.Words.Restart + " NOW: until then it takes mail for " + strings.Join(r.Gone, ", ") + " to local accounts"
	case server.Words.Renew != "": // read one after another, the old tables need rows of the new ones, which no generation has
		order = server.Words.Restart + ", which reads all files at once"
	case r.Kinds.Config:
		order = strings.Replace(server.Words.Rebuild, " (virtmap build --config does it)", "", 1) // that would undo the rollback
	case r.Kinds.Names:
		order = server.Words.Restart + ": its names changed"
	default:
		order = server.Name + " sees a new map by itself"
	}
	if r.Kinds.Signer {
		order += "; " + reloadSigner
	}
	return order
}

// sayRestored prints what is in place, and what differs from the time of the
// generation.
func sayRestored(r *build.Restored, back *build.Restoring, stdio Stdio) {
	next := orderRestored(r, back.Server)
	if len(r.Others) > 0 {
		next += "; generation " + strconv.Itoa(r.Meta.Number) + " had no " + strings.Join(r.Others, ", ") + ": " + whatToRemove(back, r.Others)
	}
	line := fmt.Sprintf("put generation %d of %s back in %s (%s); %s. The next build writes what the inventory says again",
		r.Meta.Number, r.Meta.Time.Format(time.RFC3339), back.Out, cmp.Or(r.Meta.Contents, r.Meta.Note), next)
	fmt.Fprintln(stdio.Out, diag.Printable(line))
}

// whatToRemove says which of the files that a generation did not have may be removed. A
// file that a configuration names may not be removed.
func whatToRemove(back *build.Restoring, files []string) string {
	var named, by []string
	ok := true
	if back.Server.Named != nil {
		named, by, ok = back.Server.Named(back.Out, files)
	}
	switch {
	case !ok:
		return "remove what " + back.Server.Name + " does not read"
	case len(named) == 0:
		return "nothing reads them, and they may be removed"
	}
	return fmt.Sprintf("%s still names %s; take that out and %s before you remove the file", strings.Join(by, " or "), strings.Join(named, ", "), back.Server.Words.Restart)
}
