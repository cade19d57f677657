package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"virtmap/internal/publish"
)

// owedName is a file of the state folder. It has the kinds of changes that a build without
// a command of OnChange made: a person was told, and may not have restarted the server.
const owedName = "owed"

// commands reports whether the run may run the command of OnChange.
func (r *run) commands() bool { return r.OnChange != "" && !r.DryRun }

// live reports whether the server reads from the folder of the run.
func (r *run) live() bool { return IsLive(r.Out, &r.source.Inventory().Host) }

// due returns what the command of OnChange has to be told beside the changes of the run:
// what is owed, and the configuration if the server does not read all of it and the command
// was not run for that before.
func (r *run) due() (k Kinds) {
	if !r.commands() || !r.live() {
		return k
	}
	info, err := os.Stat(filepath.Join(r.State, owedName))
	if err == nil && info.Mode().IsRegular() && !r.restarted().After(info.ModTime()) {
		k = r.owed()
	}
	k.Config = k.Config || r.wiring != nil && r.wiring.tries
	return k
}

// owed returns the kinds of the file of owed changes. A damaged file has none.
func (r *run) owed() Kinds {
	text, err := publish.ReadState(publish.OS, filepath.Join(r.State, owedName))
	if err != nil {
		return Kinds{}
	}
	return parseKinds(string(text), r.server)
}

// owe stores changes that a build without a command made, if the server has to be restarted
// or reloaded for them.
func (r *run) owe(ctx context.Context, kinds Kinds) error {
	if !kinds.Names && !kinds.Config || !r.live() {
		return nil
	}
	text := kinds.With(r.owed()).In(r.server) + "\n"
	return as(IO, publish.WriteState(ctx, publish.OS, filepath.Join(r.State, owedName), []byte(text), r.Wait, r.events.Tell))
}

// note stores what the command is told, unless the note has it already: the next build
// runs the command again if it fails.
func (r *run) note(ctx context.Context, note string, kinds Kinds) error {
	if parseKinds(note, r.server) == kinds {
		return nil
	}
	return as(IO, publish.WriteState(ctx, publish.OS, filepath.Join(r.State, publish.NoteName), []byte(kinds.In(r.server)+"\n"), r.Wait, r.events.Tell))
}

// forget removes the file of owed changes, once a command was told of them, or the server
// was restarted.
func (r *run) forget() error {
	if !r.commands() {
		return nil
	}
	err := os.Remove(filepath.Join(r.State, owedName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return as(IO, err)
	}
	return nil
}

// owes reports whether a state folder has a file of owed changes.
func owes(state string) bool {
	_, err := os.Lstat(filepath.Join(state, owedName))
	return err == nil
}
