package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/endtoend"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/promise"
	"virtmap/internal/publish"
	"virtmap/internal/report"
)

// gap is how far apart two swaps of one map are: a sendmail that has it open
// compares times in whole seconds. Only the server has one.
func (a *buildArgs) gap(j *job) time.Duration {
	if isLive(a.out, &j.source.Model.Host) {
		return mapGap
	}
	return 0
}

const mapGap = 2 * time.Second

// meta describes the generation.
func (a *buildArgs) meta(j *job) publish.Meta {
	return publish.Meta{Time: time.Now().UTC().Truncate(time.Second), Who: whoAmI(), Inventory: j.source.Model.Name, Contents: contents(j.source), Digest: j.digest}
}

// whoAmI is the person behind sudo, or the user.
func whoAmI() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return fmt.Sprintf("user %d", os.Getuid())
}

// prove proves the staged files over SMTP.
func (a *buildArgs) prove(ctx context.Context, j *job, at func(string) string, stdio Stdio) error {
	router := j.source.Router()
	set, err := sendmail.OpenAt(a.out, at, router.Host, router.Account)
	if err != nil {
		return err
	}
	defer set.Close()
	promises := promise.Promises{Model: j.source.Model, Account: knownBy(set, router.Account)}
	promises.Prepare()
	failed := 0
	printer := report.Formats["text"](stdio.Err, "")
	trial := endtoend.Trial{Host: router.Host, Set: set, Promised: promises.Of, Fold: fold, Workers: clients(), Ends: set.Router.Ends}
	trial.Each = func(r *endtoend.Result) error {
		if r.Passed() {
			return nil
		}
		failed++
		return printer.Case(caseOf(r))
	}
	var unreadable error
	if err := trial.Run(ctx, vectors(j.source, set, &unreadable)); err != nil {
		return err
	}
	if unreadable != nil {
		return unreadable
	}
	if failed > 0 {
		return exit(exitProblems, fmt.Errorf("the staged files and the inventory disagree about %s, and nothing was written; please report it", addresses(failed)))
	}
	return nil
}

// knownBy adds the names of the server's own aliases to accounts.
func knownBy(set *sendmail.Installed, account func(string) bool) func(string) bool {
	return func(name string) bool {
		_, aliased := set.SiteAliases().Alias(name)
		return aliased || account(name)
	}
}

// kinds are the kinds of some changes, as --on-change is told.
func (a *buildArgs) kinds(changes []publish.Change) string {
	var maps, names, mc bool
	for _, change := range changes {
		if change.Alike {
			continue // sendmail needs no restart for it
		}
		switch base := filepath.Base(change.Path); {
		case change.Path == a.mc || base == mcfile.Include:
			mc = true
		case base == mcfile.HostNames || base == mcfile.RelayDomains:
			names = true
		default:
			maps = true
		}
	}
	return kindWords(maps, names, mc)
}

func kindWords(maps, names, mc bool) string {
	var words []string
	for _, kind := range []struct {
		word string
		is   bool
	}{{"map", maps}, {"names", names}, {"mc", mc}} {
		if kind.is {
			words = append(words, kind.word)
		}
	}
	return strings.Join(words, " ")
}

// changed tells the command of --on-change what changed: in this run, and in
// earlier ones that were stopped, or whose command failed.
func (a *buildArgs) changed(ctx context.Context, j *job, result publish.Report, stdio Stdio) error {
	if a.dryRun {
		return nil
	}
	if a.reloaded {
		if err := a.noteReload(ctx, stdio); err != nil {
			return err
		}
	}
	note := publish.Unannounced(publish.OS, a.state)
	if note == "" {
		return nil
	}
	words := strings.Fields(note)
	kinds := kindWords(slices.Contains(words, "map"), slices.Contains(words, "names"), slices.Contains(words, "mc"))
	if kinds == "" || slices.Contains(words, publish.Unreadable) {
		stdio.tell(fmt.Sprintf("the note of what changed, in %q, is damaged and removed: map, names and mc count as changed", a.state))
		kinds = kindWords(true, true, true)
	}
	if len(result.Changes) == 0 && !a.quiet {
		fmt.Fprintf(stdio.Out, "an earlier build changed %s, and was stopped before it was told, or its command failed\n", kinds)
	}
	if a.onChange != "" {
		if err := a.command(ctx, j, kinds, len(result.Changes) > 0, stdio); err != nil {
			return err
		}
	}
	return machineExit(publish.Announced(publish.OS, a.state), exitIO)
}

// command runs the command of --on-change. When it fails it is run again by
// the next build, or the old files are put back.
func (a *buildArgs) command(ctx context.Context, j *job, kinds string, swapped bool, stdio Stdio) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", a.onChange)
	cmd.Env = append(os.Environ(), "VIRTMAP_CHANGED="+kinds, "VIRTMAP_DIR="+a.out)
	cmd.Stdout, cmd.Stderr = stdio.Err, stdio.Err
	tells := a.pidFileTells()
	failure := cmd.Run()
	switch {
	case failure == nil && kinds != "map" && !tells:
		return a.noteReload(ctx, stdio)
	case failure == nil:
		return nil
	case !a.rollback || !swapped: // what an earlier build did is not this one's to undo
		return exit(exitIO, fmt.Errorf("the files are in place, and the command of --on-change failed: %w; the next build runs it again", failure))
	}
	if err := a.undo(ctx, j, stdio); err != nil {
		return exit(exitIO, fmt.Errorf("the command of --on-change failed: %w; and the old files could not be put back: %w", failure, err))
	}
	if err := publish.Announced(publish.OS, a.state); err != nil {
		return machineExit(err, exitIO)
	}
	return exit(exitIO, fmt.Errorf("the command of --on-change failed: %w; the old files are in place again", failure))
}

// pidFileTells reports whether a running sendmail has a pid file, which says when it
// was restarted: a command that succeeds may have done something else, such as make.
func (a *buildArgs) pidFileTells() bool {
	config, err := a.configuration()
	if err != nil {
		return false
	}
	_, runs := config.Daemon(a.state != stateServer)
	return runs
}

// noteReload remembers that sendmail was restarted now.
func (a *buildArgs) noteReload(ctx context.Context, stdio Stdio) error {
	return machineExit(publish.WriteState(ctx, publish.OS, filepath.Join(a.state, reloadedName), nil, a.wait, stdio.tell), exitIO)
}
