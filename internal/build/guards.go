package build

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"virtmap/internal/change"
	"virtmap/internal/mta"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// limits say what the guards take for an accident.
func (g *Guards) limits(m *inventory.Model) change.Limits {
	l := change.Limits{MaxRemovedPercent: m.Guards.MaxRemovedPercent, MinSize: m.Guards.MinSize, Count: len(m.Domains)}
	if g.MaxRemoved >= 0 {
		l.MaxRemovedPercent = g.MaxRemoved
	}
	if g.MinSize >= 0 {
		l.MinSize = g.MinSize
	}
	l.Inventory = func(domain string) bool {
		_, listed := m.Domain(domain)
		return listed || m.IsHostName(domain)
	}
	return l
}

// approve refuses what looks like an accident. What was reviewed as a plan is
// none. A take-over of what cannot be compared is refused until that is allowed;
// damaged alias files of the server are passed over, and named.
func (r *run) approve(changes []publish.Change) (err error) {
	defer func() { err = errors.Join(err, r.installed.Close()) }() // before files are swapped
	held := slices.ContainsFunc(r.set.Outputs, func(o publish.Output) bool { return o.Hold })
	if r.Plan != "" || !held && !slices.ContainsFunc(changes, func(c publish.Change) bool { return !c.New }) {
		return nil // it was reviewed, or there was nothing
	}
	c, err := r.compare(changes)
	if err != nil {
		return r.uncompared(err, slices.ContainsFunc(changes, func(c publish.Change) bool { return c.Kept != "" }))
	}
	if r.Adopt {
		r.compared = &c // for what is lost
	}
	alarms := c.Alarms(r.Guards.limits(r.source.Inventory()), r.Guards.Allow)
	if len(alarms) == 0 {
		return nil
	}
	instead := r.installed.Instead()
	for _, path := range slices.Sorted(maps.Keys(instead)) {
		r.events.Tell(fmt.Sprintf("guards: %s is damaged or gone; they compared %s", path, instead[path]))
	}
	return &Accident{alarms}
}

// uncompared decides what becomes of a change that cannot be compared. takesOver
// says that it replaces files which a person made.
func (r *run) uncompared(why error, takesOver bool) error {
	switch {
	case (takesOver || errors.Is(why, mta.ErrBlind)) && !slices.Contains(r.Guards.Allow, change.TooMany):
		return &Accident{[]change.Alarm{{Guard: change.TooMany, Text: "nothing of what is installed can be compared: " + why.Error()}}}
	case takesOver:
		r.events.Tell("the guards compared nothing: what is installed cannot be read: " + why.Error())
		return nil
	}
	return fmt.Errorf("compare with what is installed: %w", why)
}

// losses gives what a run changes in outcomes, and compares when no guard has; nil
// when nothing can be compared.
func (r *run) losses() *change.Change {
	if r.compared == nil {
		if c, err := r.compare(nil); err == nil {
			r.compared = &c
		}
	}
	return r.compared
}
