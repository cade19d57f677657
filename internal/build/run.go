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
	Options // with the folders settled
	given   Options
	events  Events
	second  bool         // it was begun by another, at its end
	locked  bool         // it holds the folders
	leave   func() error // gives them back

	server    *mta.Server // that the inventory is for
	source    mta.Build   // what the inventory becomes
	digest    string      // of the inventory
	faults    *diag.List  // of the inventory
	dnsFaults diag.List   // of what the DNS said
	serving   *serving
	leaving   []string // domains whose rows stay for a while
	wiring    *wiring  // nil: the folder is no server's
	installed mta.Before
	set       publish.Set
	compared  *change.Change // what the guards looked at; nil: nothing
}

// begin makes a run that has done nothing yet.
func begin(o Options, events Events) *run {
	return &run{Options: o, given: o, events: events, leave: func() error { return nil }}
}

// Run builds once. The result is valid also beside an error about the record of
// what was done.
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

// build does all of a run. again says that the server reads by now what files
// waited for, and that another run puts those in place.
func (r *run) build(ctx context.Context) (result Result, again bool, err error) {
	r.events.Enter("look for changes")
	if r.nothingToDo() {
		return result, false, nil
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
	result = r.result(report)
	r.events.Published(&result)
	if err != nil {
		return result, false, as(IO, err)
	}
	// The command may run virtmap itself, and take its time.
	if err := r.release(); err != nil {
		return result, false, as(IO, err)
	}
	if err := r.changed(ctx, len(report.Changes) > 0); err != nil {
		return result, false, err
	}
	if again, err = r.finishWired(ctx, &result); again || err != nil || !result.settled() {
		return result, again, err
	}
	return result, false, r.remember(ctx)
}

// settle says how the files are published.
func (r *run) settle(ctx context.Context) error {
	if r.Undo {
		r.Keep = max(r.Keep, 1)
	}
	r.set.Keep, r.set.Gap = r.Keep, r.gap()
	r.set.Meta = publish.Meta{Time: now(), Who: whoAmI(), Inventory: r.source.Inventory().Name, Contents: Contents(r.source), Digest: r.digest}
	r.set.Note = func(changes []publish.Change) string { return r.kinds(changes).String() }
	r.set.Approve = r.approve
	if r.Verify {
		r.set.Verify = func(at func(string) string) error { return r.prove(ctx, at) }
	} else {
		r.source.Inventory().ForgetAddresses() // they are rows by now
		Release(r.source.Inventory())
	}
	if r.Plan != "" {
		return r.asPlanned()
	}
	return nil
}

// gap is how far apart two swaps of one map are. Only the server has one.
func (r *run) gap() time.Duration {
	if IsLive(r.Out, &r.source.Inventory().Host) {
		return r.server.MapGap
	}
	return 0
}

// refused adds to an error of publishing what replacing files would have lost.
func (r *run) refused(err error) error {
	var foreign *publish.Foreign
	if errors.As(err, &foreign) {
		return &Foreign{foreign, r.losses()}
	}
	return as(IO, err)
}
