package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// prepare reads and compiles the inventory, and asks the DNS. Without an error, the
// caller must release the folders.
func (r *run) prepare(ctx context.Context) error {
	if err := r.finishStopped(ctx); err != nil {
		return err
	}
	err := r.load(ctx)
	if err == nil {
		r.digest = r.source.Inventory().Sources.Digest()
		r.installed = r.findInstalled()
		r.set = publish.Set{State: r.State, Adopt: r.Adopt, DryRun: r.DryRun, Entered: true, FS: publish.OS, Tell: r.events.Tell, Watch: r.events}
		err = r.work(ctx)
	}
	if err == nil && r.faults.Failed() {
		err = r.tell(r.faults, r.least())
	}
	if err == nil {
		r.Known.Silence(r.source.Inventory(), &r.dnsFaults)
		err = r.tell(&r.dnsFaults, r.least())
	}
	if err != nil {
		return errors.Join(err, r.release())
	}
	return nil
}

// load reads the inventory and locks its folders. After waiting for a lock, it reads
// the inventory again if it was edited: the other run may have published the new
// version.
func (r *run) load(ctx context.Context) error {
	reading := Reading{Servers: r.Servers, Known: r.Known, Load: r.Load, Least: diag.Error, Stages: r.events}
	for began := time.Now(); ; began = time.Now() {
		var err error
		if r.source, r.faults, err = reading.Read(r.Inventory); err != nil {
			return err
		}
		m := r.source.Inventory()
		r.server = serverOf(r.Servers, m)
		if r.faults.Failed() {
			return r.tell(r.faults, r.least())
		}
		if err := r.place(&m.Host); err != nil {
			return err
		}
		if r.locked && r.given.Out == "" && m.Host.MailDir.Text != r.Out {
			return &Error{Kind: TryAgain, Err: errMoved}
		}
		if r.DryRun || r.locked {
			return nil
		}
		if r.leave, err = r.enter(ctx, r.Folders); err != nil {
			r.leave = func() error { return nil }
			return err
		}
		r.locked = true
		if !editedSince(m.Sources, began) {
			return nil
		}
	}
}

// editedSince reports whether a source was changed after a moment. It allows for the
// coarse clock of file systems.
func editedSince(sources *diag.Sources, began time.Time) bool {
	for name := range sources.Names() {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(began.Add(-20*time.Millisecond)) {
			return true
		}
	}
	return false
}

// work decides which domains are served, and makes the outputs.
func (r *run) work(ctx context.Context) error {
	if err := r.choose(ctx); err != nil {
		return err
	}
	if err := r.keepLeaving(); err != nil {
		return err
	}
	if err := r.outputs(); err != nil {
		return err
	}
	return r.wire()
}

// keepLeaving keeps the rows of domains that leave until the server is restarted.
func (r *run) keepLeaving() (err error) {
	r.source, r.leaving, err = r.installed.Keep(r.source, mta.Leave{Restarted: r.restarted(), Grace: r.Grace, Now: time.Now()})
	return as(IO, err)
}

// outputs makes the outputs to publish.
func (r *run) outputs() (err error) {
	if r.set.Outputs, err = fileset.Outputs(r.server, r.source, r.Out, MapOwner(r.server, r.Out)); err != nil {
		return &Error{Kind: Bug, Err: err}
	}
	if r.Config == "" {
		return nil
	}
	if r.server.Edit == nil {
		return &Error{Kind: NoInput, Option: "config", Err: fmt.Errorf("%s has no file in which a build keeps lines", r.server.Name)}
	}
	// If the path is a link, the file behind it is meant. A rename would replace the
	// link.
	if real, err := filepath.EvalSymlinks(r.Config); err == nil {
		r.Config = real
	}
	block, err := r.edited()
	if err != nil {
		return &Error{Kind: NoInput, Option: "config", Err: err}
	}
	r.set.Outputs = append(r.set.Outputs, block)
	return nil
}

// edited returns the output of the file that a person maintains, with the lines for the
// build in it. Faults of this file are added to the faults of the run.
func (r *run) edited() (out publish.Output, err error) {
	text, err := r.set.FS.ReadFile(r.Config)
	if err != nil {
		return out, err
	}
	src, err := r.source.Inventory().Sources.Add(r.Config, string(text))
	if err != nil {
		return out, err
	}
	next, lines := r.server.Edit(src, r.source, r.Adopt, r.faults)
	if r.server.Marked != nil {
		r.marked = r.server.Marked(string(text), string(next))
	}
	return fileset.Shared(r.Config, next, text, lines), nil
}

// least returns the lowest severity that is reported.
func (r *run) least() diag.Severity {
	if r.Quiet {
		return diag.Error
	}
	return diag.Warning
}

// tell reports faults, and returns an error if one of them is an error.
func (r *run) tell(faults *diag.List, least diag.Severity) error {
	if err := r.events.Faults(r.source.Inventory().Sources, faults, least); err != nil {
		return err
	}
	if faults.Failed() {
		return ErrFaults
	}
	return nil
}

// tellFaults reports the warnings of the inventory: from cron if something changes, for
// a person always.
func (r *run) tellFaults(changes int) error {
	if r.Quiet || changes == 0 && !r.Watched {
		return nil
	}
	return r.tell(r.faults, diag.Warning)
}
