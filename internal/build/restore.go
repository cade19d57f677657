package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"virtmap/internal/fileset"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// A Restoring says which generation is put back, and how.
type Restoring struct {
	Folders
	Server  *mta.Server
	Number  int  // of the generation; below zero: the one before the last
	Adopt   bool // files that a person changed may be replaced
	Unwired bool // restore even if the server does not read what the rows lead to
	Command string
	Wait    time.Duration // how long to wait for another run
	Gap     time.Duration // the time between two swaps of one map
	Tell    func(line string)

	also []publish.Output // written together with the generation
}

// A Restored says what is in place, and what differs from the time of the generation.
type Restored struct {
	publish.Report
	Meta   publish.Meta // the generation
	Kinds  Kinds        // what changed
	Gone   []string     // domains whose mail goes to local accounts until the server is restarted
	Others []string     // files in the folder that the generation did not have
}

// Restore puts a generation back in place.
func (r *Restoring) Restore(ctx context.Context) (restored Restored, err error) {
	if _, err := os.Stat(r.State); err != nil {
		return restored, as(NoInput, err) // without a state folder, none is made
	}
	leave, err := r.enter(ctx, r.Command, r.Wait, r.Tell)
	if err != nil {
		return restored, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	before := namesIn(r.Server, r.Out)
	restored.Meta, restored.Report, err = r.swapIn(ctx)
	var foreign *publish.Foreign
	if errors.As(err, &foreign) {
		return restored, &Foreign{foreign, nil}
	}
	if err != nil {
		return restored, as(IO, err)
	}
	r.describe(&restored, before)
	return restored, nil
}

// describe fills in what differs from the time of the generation.
func (r *Restoring) describe(restored *Restored, before []string) {
	now := namesIn(r.Server, r.Out)
	own, _ := HostOf(r.Server, r.Out) // the server always takes mail for its own name; an error costs only a warning
	restored.Gone = slices.DeleteFunc(before, func(name string) bool { return slices.Contains(now, name) || name == own })
	typ, _ := r.Server.MapTypeOf(r.Out) // an error costs only a word
	restored.Kinds = kindsOf(r.Server, typ, restored.Changes)
	for _, file := range tableFirst(r.Server.Files) {
		if _, kept := restored.Meta.Files[file.Name]; kept {
			continue
		}
		if _, err := os.Stat(filepath.Join(r.Out, file.Name)); err == nil {
			restored.Others = append(restored.Others, file.Name)
		}
	}
}

// tableFirst returns files with the table of the virtual addresses before the others.
func tableFirst(files []mta.File) []mta.File {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b mta.File) int {
		switch {
		case a.Role == mta.Addresses:
			return -1
		case b.Role == mta.Addresses:
			return 1
		}
		return 0
	})
	return files
}

// swapIn puts the generation in place.
func (r *Restoring) swapIn(ctx context.Context) (m publish.Meta, report publish.Report, err error) {
	all, damaged, err := publish.Sound(publish.OS, r.State)
	if err != nil {
		return m, report, err
	}
	for _, line := range damaged {
		r.Tell(line)
	}
	at := slices.IndexFunc(all, func(m publish.Meta) bool { return m.Number == r.Number })
	if r.Number < 0 {
		at = publish.Current(publish.OS, r.State, all) - 1
	}
	if at < 0 && r.Number == 0 && len(all) > 0 && r.Server.Takes != nil {
		return m, report, &Error{Kind: NoInput, Err: fmt.Errorf("%w: there were no files of virtmap before the first build, and %s is in no generation. To go back, put your copy of %[2]s in its place, or take virtmap's block out and the marks #virtmap# and #virtmap-adopted# off the lines, and %s",
			ErrNoGeneration, r.Server.Words.Config, r.Server.Words.Reload)}
	}
	if at < 0 {
		return m, report, &Error{Kind: NoInput, Err: ErrNoGeneration}
	}
	m = all[at]
	content := func(name string) ([]byte, error) { return m.Content(publish.OS, r.State, name) }
	if err := r.readable(m, content); err != nil {
		return m, report, err
	}
	outputs, err := fileset.Restored(r.Server, m, content, r.Out, MapOwner(r.Server, r.Out))
	if err != nil {
		return m, report, err
	}
	meta := publish.Meta{Time: now(), Who: whoAmI(), Server: r.Server.Name, Folder: r.recorded(), Inventory: m.Inventory, Digest: m.Digest, Contents: m.Contents, Note: fmt.Sprintf("rollback to %d:", m.Number)}
	set := publish.Set{Outputs: append(outputs, r.also...), State: r.State, Adopt: r.Adopt, Entered: true, FS: publish.OS, Meta: meta, Keep: len(all) + 1, Gap: r.Gap, Still: true}
	set.Tell = func(line string) {
		if !slices.Contains(damaged, line) { // the others were reported above
			r.Tell(line)
		}
	}
	report, err = publish.Publish(ctx, set)
	for _, file := range report.Changes {
		if file.Damage != "" {
			r.Tell(fmt.Sprintf("%s was damaged (%s): the file of the generation is in its place", file.Path, file.Damage))
		}
	}
	return m, report, err
}

// undo puts back what was installed before the build.
func (r *run) undo(ctx context.Context) (err error) {
	ctx = context.WithoutCancel(ctx)
	leave, err := r.enter(ctx, r.Folders)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, leave()) }()
	kept := Restoring{Folders: r.Folders, Server: r.server, Gap: r.set.Gap, Unwired: true, Tell: r.events.Tell}
	for _, out := range r.set.Outputs {
		if !out.Shared {
			continue
		}
		written, err := regular.ReadIfThere(out.Path)
		if err != nil {
			return err
		}
		kept.also = append(kept.also, asItWas(out, written))
	}
	all, _, err := publish.Generations(publish.OS, r.State)
	if err != nil {
		return err
	}
	before := publish.Current(publish.OS, r.State, all) - 1
	if before < 0 {
		return errors.New("no generation has the files that were there before")
	}
	kept.Number = all[before].Number // an earlier one is not used, even if this one is damaged
	_, _, err = kept.swapIn(ctx)
	return err
}

// asItWas returns the output that puts a shared file back.
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

// Last returns the name of the kind of server for which the newest generation of a state
// folder was built, and the folder of its files. Each is empty if the generation does not
// have it.
func Last(state string) (server, folder string) {
	all, _, err := publish.Generations(publish.OS, state)
	if err != nil || len(all) == 0 {
		return "", ""
	}
	return all[len(all)-1].Server, all[len(all)-1].Folder
}

// History returns the kept generations, the oldest first. damaged has a line for each
// damaged generation that is left out.
func (f Folders) History() (all []publish.Meta, damaged []string, err error) {
	all, damaged, err = publish.Sound(publish.OS, f.State)
	return all, damaged, as(IO, err)
}

// LastChange returns when files were put in place last, by a build or a rollback. It is
// zero if that is not known.
func (f Folders) LastChange() time.Time {
	all, _, err := publish.Generations(publish.OS, f.State)
	if err != nil || len(all) == 0 {
		return time.Time{}
	}
	return all[len(all)-1].Time
}
