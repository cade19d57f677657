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

// limits returns the limits for the guards.
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

// approve refuses changes that look like an accident. A reviewed plan is always
// accepted. If the installed files cannot be compared, replacing them is refused,
// unless the guard for removed addresses is allowed. Damaged alias files of the server
// are skipped, with a message.
func (r *run) approve(changes []publish.Change) (err error) {
	defer func() { err = errors.Join(err, r.installed.Close()) }() // closes the files before they are swapped
	held := slices.ContainsFunc(r.set.Outputs, func(o publish.Output) bool { return o.Hold })
	first := r.isFirst()
	if r.Plan != "" || !first && !held && !slices.ContainsFunc(changes, func(c publish.Change) bool { return !c.New }) {
		return nil // a plan was reviewed, or no file is replaced
	}
	c, err := r.compare(changes)
	if err != nil {
		return r.uncompared(err, first || slices.ContainsFunc(changes, func(c publish.Change) bool { return c.Kept != "" }))
	}
	if r.Adopt {
		r.compared = &c // used for the messages about losses
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

// isFirst reports whether the server takes mail by a configuration of its own, and no build
// has written into its folder yet.
func (r *run) isFirst() bool {
	if r.server.Takes == nil || publish.Known(publish.OS, r.State) {
		return false
	}
	config, err := r.configuration()
	return err == nil && config.Place() != ""
}

// uncompared decides about a change that cannot be compared. takesOver says that the
// change replaces files that a person made.
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

// losses returns what a run changes, in outcomes. It compares if the guards did not;
// nil if nothing can be compared.
func (r *run) losses() *change.Change {
	if r.compared == nil {
		if c, err := r.compare(nil); err == nil {
			r.compared = &c
		}
	}
	return r.compared
}
