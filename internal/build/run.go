package build

import (
	"context"
	"errors"
	"time"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
)

// A run is one build at work.
type run struct {
	Options // with the folders filled in
	given   Options
	events  Events
	second  bool         // another run began it at its end
	locked  bool         // the folders are locked
	leave   func() error // unlocks the folders

	server    *mta.Server // the server of the inventory
	source    mta.Build   // the compiled inventory
	digest    string      // the digest of the inventory
	faults    *diag.List  // faults of the inventory
	dnsFaults diag.List   // faults from the DNS
	serving   *serving
	marked    []string // lines of Config that are out of force
	leaving   []string // domains whose rows stay for some time
	wiring    *wiring  // nil: the server does not read from the folder
	installed mta.Before
	set       publish.Set
	compared  *change.Change // what the guards compared; nil: nothing
}

// begin makes a run that has not begun yet.
func begin(o Options, events Events) *run {
	return &run{Options: o, given: o, events: events, leave: func() error { return nil }}
}

// Run builds once. If nothing changed since the last run, the Result has only its Folders
// and Figures. If the error is only about the record of the work, the result is
// valid too.
func Run(ctx context.Context, o Options, events Events) (Result, error) {
	r := begin(o, events)
	result, again, err := r.build(ctx)
	if err == nil && again {
		r = begin(o, events)
		r.second = true
		result, _, err = r.build(ctx)
	}
	return result, err
}

// build does the whole work of a run. again says that the server now reads what some
// files waited for, and that another run must put those files in place.
func (r *run) build(ctx context.Context) (result Result, again bool, err error) {
	r.events.Enter("look for changes")
	if figures, ok := r.nothingToDo(); ok {
		return Result{Folders: r.given.within(""), Figures: figures}, false, nil
	}
	if err := r.prepare(ctx); err != nil {
		return result, false, err
	}
	defer func() { err = errors.Join(err, r.release()) }()
	if err := r.settle(ctx); err != nil {
		return result, false, err
	}
	report, err := publish.Publish(ctx, r.set)
	r.events.End()
	if err != nil && !errors.Is(err, publish.ErrRecord) {
		return result, false, r.refused(err)
	}
	if err := r.tellFaults(len(report.Changes)); err != nil {
		return result, false, err
	}
	r.tellMarked()
	result = r.result(report)
	r.events.Published(&result)
	if err != nil {
		return result, false, as(IO, err)
	}
	// The command may call virtmap itself, and may take a long time.
	if err := r.release(); err != nil {
		return result, false, as(IO, err)
	}
	if err := r.changed(ctx, len(report.Changes) > 0); err != nil {
		return result, false, err
	}
	if again, err = r.finishWired(ctx, &result); again || err != nil || !result.settled() {
		return result, again, err
	}
	return result, false, r.remember(ctx, result.Figures)
}

// tellMarked tells which lines of a person are out of force now.
func (r *run) tellMarked() {
	if r.DryRun {
		return
	}
	for _, line := range r.marked {
		r.events.Tell(r.Config + ":" + line)
	}
}

// settle sets how the files are published.
func (r *run) settle(ctx context.Context) error {
	if r.Undo {
		r.Keep = max(r.Keep, 1)
	}
	r.set.Keep, r.set.Gap = r.Keep, r.gap()
	r.set.Meta = publish.Meta{Time: now(), Who: whoAmI(), Server: r.server.Name, Folder: r.recorded(), Inventory: r.source.Inventory().Name, Contents: Contents(r.source), Digest: r.digest}
	r.set.Note = func(changes []publish.Change) string { return r.kinds(changes).In(r.server) }
	r.set.Approve = r.approve
	if r.Verify {
		r.set.Verify = func(at func(string) string) error { return r.prove(ctx, at) }
	} else {
		r.source.Inventory().ForgetAddresses() // the addresses are rows now
		Release(r.source.Inventory())
	}
	if r.Plan != "" {
		return r.asPlanned()
	}
	return nil
}

// gap returns the time between two swaps of one map. Only the folder of the server
// needs one.
func (r *run) gap() time.Duration {
	if r.live() {
		return r.server.MapGap
	}
	return 0
}

// refused adds to an error of publishing what would be lost if the files were replaced.
func (r *run) refused(err error) error {
	var foreign *publish.Foreign
	if errors.As(err, &foreign) {
		return &Foreign{foreign, r.losses()}
	}
	return as(IO, err)
}
