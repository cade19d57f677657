package build

import (
	"context"
	"errors"

	"virtmap/internal/change"
	"virtmap/internal/fileset"
	"virtmap/internal/mmap"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// A Reviewed says what a run would change.
type Reviewed struct {
	publish.Report
	Change  change.Change
	Alarms  []change.Alarm    // the alarms of the guards
	Instead map[string]string // what was compared instead of damaged files, by path
	Missing []string          // what the server does not read of the files

	Inventory *inventory.Model // nil: nothing changed since the last run, and it was not read

	outputs []publish.Output
}

// Review finds out what a run would change, and writes nothing. It also compares files
// that a person changed, although Run would refuse to replace them.
func Review(ctx context.Context, o Options, events Events) (v Reviewed, err error) {
	if _, nothing := begin(o, events).nothingToDo(); !o.All && nothing {
		return v, nil // the last run has compared everything
	}
	o.DryRun, o.Adopt = true, true
	r := begin(o, events)
	if err := r.prepare(ctx); err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, r.release()) }()
	if v.Report, err = publish.Publish(ctx, r.set); err != nil {
		return v, as(IO, err)
	}
	r.events.Enter("compare outcomes")
	v.Change, err = r.compare(v.Changes)
	if err == nil {
		v.Change.Drift, err = fileset.Drift(r.server, r.Out)
	}
	if err != nil {
		return v, as(IO, err)
	}
	v.Alarms = v.Change.Alarms(r.Guards.limits(r.source.Inventory()), nil)
	v.Inventory = r.source.Inventory()
	v.Instead, v.outputs = r.installed.Instead(), r.set.Outputs
	if r.wiring != nil {
		v.Missing = r.wiring.Says
	}
	return v, nil
}

// Plan returns the plan of what was reviewed.
func (v *Reviewed) Plan() (Plan, error) { return planOf(v.outputs) }

// EachText calls do with each text file that changes, in its old and its new form.
func (v *Reviewed) EachText(do func(path string, old, next []byte) error) error {
	for _, out := range v.outputs {
		if out.Source != "" {
			continue // a map, whose text is also in the list
		}
		old, err := regular.ReadIfThere(out.Path)
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
		if err := do(out.Path, old, next); err != nil {
			return err
		}
	}
	return nil
}
