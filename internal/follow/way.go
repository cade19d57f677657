package follow

import (
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A WayKind is the kind of a Way.
type WayKind uint8

const (
	ToGoal      WayKind = iota // mail ends at Goal
	LookUp                     // the server looks Addr up again: its end depends on the detail
	SameAddress                // the same address in the domain Addr, with the detail
	ByPattern                  // the pattern of the target makes the address
	Waiting                    // the mail is deferred until the domain Addr is no longer held back
)

// A Way says what the row of a target does. It is for a server that looks an address up
// again if the domain of the address is served.
type Way struct {
	Kind WayKind
	Goal Goal
	Addr string
	Keep bool // of ToGoal and LookUp: the detail is added
}

// Way returns what the row of an address does with a target. keep says that the row keeps
// the detail. An empty local is the catch-all. A target that leads nowhere is reported.
func (f *Follower) Way(t *inventory.Target, keep bool, local, domain string) Way {
	switch t.Kind {
	case inventory.ToDomain:
		return f.unlessHeld(Way{Kind: SameAddress, Addr: t.Text}, t, t.Text, local, domain)
	case inventory.ToPattern:
		_, at, _ := mailaddr.Split(t.Text)
		return f.unlessHeld(Way{Kind: ByPattern}, t, at, local, domain)
	case inventory.ToAddress:
		return f.wayOn(t, keep, local, domain)
	}
	goal := f.Goal(t)
	if forward, ok := f.tables.Forward(t); ok && keep {
		next := inventory.Target{Kind: inventory.ToAddress, Text: forward, Pos: f.m.Users[t.Index].Forward.Pos}
		return f.wayOn(&next, keep, local, domain)
	}
	return Way{Goal: goal, Keep: keep && t.Kind != inventory.Refused}
}

// wayOn returns the way of a target that is an address.
func (f *Follower) wayOn(t *inventory.Target, keep bool, local, domain string) Way {
	what := Label(local, domain)
	e := f.From(what, t.Text)
	switch {
	case !f.Report(&e, t, what):
		return Way{Goal: Goal{Kind: Elsewhere, Addr: t.Text}}
	case !keep:
		return Way{Goal: e.Goal}
	}
	switch f.Keeping(t.Text) {
	case Added:
		return Way{Goal: e.Goal, Keep: true}
	case Dropped:
		return Way{Goal: e.Goal}
	}
	_, at, _, _ := f.tables.Locate(t.Text)
	return f.unlessHeld(Way{Kind: LookUp, Addr: t.Text, Keep: true}, t, at, local, domain)
}

// unlessHeld returns a way that leads into the domain at, or Waiting if this domain is
// held back: the server would send the mail to another server.
func (f *Follower) unlessHeld(w Way, t *inventory.Target, at, local, domain string) Way {
	if !f.tables.Held(at) {
		return w
	}
	f.Waits(t, at, Label(local, domain))
	return Way{Kind: Waiting, Addr: at}
}
