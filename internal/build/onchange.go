package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"time"

	"virtmap/internal/publish"
)

// now returns the time in the form for records.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

// whoAmI returns the user who called sudo, or the user.
func whoAmI() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if me, err := user.Current(); err == nil {
		return me.Username
	}
	return fmt.Sprintf("user %d", os.Getuid())
}

// changed tells the command of OnChange what changed. swapped says that this run put
// files in place. Changes of earlier runs count too, if these were stopped, if their
// command failed, or if they had none and the server was not restarted since.
func (r *run) changed(ctx context.Context, swapped bool) error {
	if r.DryRun {
		return nil
	}
	if r.Reloaded {
		if err := r.noteReload(ctx); err != nil {
			return err
		}
	}
	note, due := publish.Unannounced(publish.OS, r.State), r.due()
	if note == "" && due == (Kinds{}) {
		return r.forget()
	}
	kinds := parseKinds(note, r.server)
	if note != "" && kinds == (Kinds{}) || slices.Contains(strings.Fields(note), publish.Unreadable) {
		r.events.Tell(fmt.Sprintf("the note of what changed, in %q, is damaged and removed: everything counts as changed", r.State))
		kinds = Kinds{true, true, true, true}
	}
	if !swapped && note != "" {
		r.events.Earlier(kinds.In(r.server))
	}
	if !r.commands() {
		if err := r.owe(ctx, kinds); err != nil {
			return err
		}
		return as(IO, publish.Announced(publish.OS, r.State))
	}
	kinds = kinds.With(due)
	if err := r.note(ctx, note, kinds); err != nil {
		return err
	}
	if err := r.command(ctx, kinds, swapped); err != nil {
		return err
	}
	return errors.Join(as(IO, publish.Announced(publish.OS, r.State)), r.forget())
}

// command runs the command of OnChange. If the command fails, the next build runs it
// again, or the old files are put back.
func (r *run) command(ctx context.Context, kinds Kinds, swapped bool) error {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", r.OnChange)
	cmd.Env = append(os.Environ(), "VIRTMAP_CHANGED="+kinds.In(r.server), "VIRTMAP_DIR="+r.Out)
	cmd.Stdout, cmd.Stderr = r.Output, r.Output
	tells := r.pidFileTells()
	failure := cmd.Run()
	switch {
	case failure == nil && kinds != Kinds{Map: true} && !tells:
		return r.noteReload(ctx)
	case failure == nil:
		return nil
	case !r.Undo || !swapped: // this run does not undo the work of an earlier one
		return &CommandFailed{Failure: failure}
	}
	if err := r.undo(ctx); err != nil {
		return &CommandFailed{Failure: failure, Undone: true, Undoing: err}
	}
	if err := publish.Announced(publish.OS, r.State); err != nil {
		return as(IO, err)
	}
	return &CommandFailed{Failure: failure, Undone: true}
}
