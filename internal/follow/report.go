package follow

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Report reports a target that leads nowhere or to an address that is not listed. The
// result is false then. what is the name of the address or user that has the target.
func (f *Follower) Report(e *End, t *inventory.Target, what string) bool {
	switch {
	case e.Loop != nil:
		f.Circle(e.Loop, t.Pos, len(t.Written()))
		return false
	case e.Far && f.far:
		return false // only the first such chain is reported
	case e.Far:
		f.far = true
		f.faults.Add(CheckTooDeep.At(t.Pos, len(t.Written()), "%s leads through more than %d addresses", what, maxSteps).
			WithHelp("let one of them name the end"))
		return false
	case e.DeadEnd != "":
		_, domain, _ := mailaddr.Split(e.DeadEnd)
		way := t.Written()
		if e.DeadEnd != t.Text {
			way += " and on to " + e.DeadEnd
		}
		f.faults.Add(CheckDeadTarget.At(t.Pos, len(t.Written()), "%s goes to %s, which is not listed at %s and is refused there", what, way, domain).
			Concerning("target %q", t.Written()).
			WithHelp("%s", f.nearestAddress(e.DeadEnd)))
		return false
	}
	return true
}

// Circle reports a circle once. The first and the last name of loop are the same. A
// circle that comes from Follower.ends again is recognized by its memory address.
func (f *Follower) Circle(loop []string, pos diag.Pos, size int) {
	if f.reported[&loop[0]] {
		return
	}
	f.reported[&loop[0]] = true
	names := slices.Clone(loop[1:])
	slices.Sort(names)
	id := strings.Join(slices.Compact(names), " ")
	if f.loops[id] {
		return
	}
	f.loops[id] = true
	shown := slices.Compact(slices.Clone(loop)) // an address and its list are one step
	if len(shown) == 1 {
		shown = append(shown, shown[0])
	}
	if len(shown) > 8 {
		shown = append(slices.Clone(shown[:7]), fmt.Sprintf("… (%d steps)", len(loop)-1))
	}
	f.faults.Add(CheckLoop.At(pos, size, "mail runs in a circle: %s", strings.Join(shown, " -> ")).
		WithHelp("let one of them go to a user"))
}

// Waits reports a target whose mail is deferred, because it leads to a domain that is
// held back and its end depends on the address.
func (f *Follower) Waits(t *inventory.Target, domain, what string) {
	f.faults.Add(CheckWaits.At(t.Pos, max(1, len(t.Written())), "%s leads to %s, which is held back: its mail is deferred until then", what, domain).
		WithHelp("name a user or an address that is not in %s, if it must not wait", domain))
}

// nearestAddress says what to write instead of an address that is refused.
func (f *Follower) nearestAddress(addr string) string {
	local, domain, _ := mailaddr.Split(addr)
	d, listed := f.m.Serves(domain)
	if !listed {
		return "declare " + local + " under users: " + domain + " is this server's own name"
	}
	if catchAll, _ := f.tables.CatchAll(d); catchAll.Kind == inventory.ToLocal {
		return "declare " + local + " under users, if the server has an account of that name"
	}
	entries := f.tables.Table(d)
	words := diag.Words{Names: func(yield func(string) bool) {
		for i := range entries {
			if !yield(entries[i].Local) {
				return
			}
		}
	}}
	if near, ok := words.Nearest(local); ok {
		return "the nearest address there is " + near + "@" + domain
	}
	return "list " + local + " under the addresses of " + domain + ", or write another target"
}
