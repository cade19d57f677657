package lint

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/inventory"
)

var (
	checkDetailLost = &diag.Check{ID: "VM090", Name: "detail-lost", Severity: diag.Warning,
		Rule: "A catch-all keeps the detail where the addresses beside it keep it."}
	checkDeep = &diag.Check{ID: "VM091", Name: "deep-chain", Severity: diag.Warning,
		Rule: "An address leads to its end in at most 5 steps."}
	checkCrowd = &diag.Check{ID: "VM092", Name: "many-recipients", Severity: diag.Warning,
		Rule: "An address has at most 100 recipients."}
)

const (
	maxSteps      = 5
	maxRecipients = 100
)

// detailsLost reports catch-alls with %1, which is the user without the detail, in
// domains whose addresses keep details.
func (a *advisor) detailsLost() {
	a.served(func(i int, d *inventory.Domain) {
		t := &d.CatchAll
		if !a.m.Pattern(t).Has(inventory.PartUser) || a.namesDetail(t) {
			return
		}
		byDefault := a.tables.Detail(i) == inventory.DetailKeep
		keeps := func(address inventory.Address) bool {
			detail := address.Detail
			return detail == inventory.DetailKeep || detail == inventory.DetailUnset && byDefault && !refused(&address) || a.namesDetail(&address.To)
		}
		if at := slices.IndexFunc(d.Addresses, keeps); at >= 0 {
			a.faults.Add(checkDetailLost.At(t.Pos, len(t.Text), "the catch-all drops the +detail that %s keeps", d.Addresses[at].Local).
				Second(d.Addresses[at].Pos, "the address that keeps it").
				WithHelp("write %s", strings.Replace(t.Text, "%1", "%1%3", 1)))
		}
	})
}

// namesDetail reports whether a target has a parameter for the detail.
func (a *advisor) namesDetail(t *inventory.Target) bool {
	p := a.m.Pattern(t)
	return p.Has(inventory.PartDetail) || p.Has(inventory.PartPlusDetail)
}

// An end is the result of following an address or a target.
type end struct {
	steps      int
	recipients int
}

// address follows an address. The result is stored, first as being followed, so that a
// circle ends.
func (a *advisor) address(address *inventory.Address) end {
	if known, ok := a.ends[address]; ok {
		return *known
	}
	if a.ends == nil {
		a.ends = map[*inventory.Address]*end{}
	}
	kept := &end{}
	a.ends[address] = kept
	if !refused(address) {
		*kept = a.target(&address.To)
		kept.steps++
	}
	return *kept
}

// next returns the listed address of this inventory that a target is.
func (a *advisor) next(t *inventory.Target) (address *inventory.Address, ok bool) {
	if t.Kind != inventory.ToAddress {
		return nil, false
	}
	local, _, d, whose := a.tables.Locate(t.Text)
	if whose != effective.Listed {
		return nil, false
	}
	return a.tables.FindWritten(d, local, inventory.Plain)
}

func (a *advisor) target(t *inventory.Target) end {
	switch t.Kind {
	case inventory.ToAddress:
		if next, ok := a.next(t); ok {
			return a.address(next)
		}
	case inventory.ToList:
		return a.all(a.m.Lists[t.Index].Members)
	case inventory.ToUser:
		if u := &a.m.Users[t.Index]; u.Forward.Kind != inventory.NoTarget {
			e := a.target(&u.Forward)
			if u.KeepCopy {
				e.recipients++
			}
			return end{e.steps + 1, e.recipients}
		}
	}
	return end{recipients: 1}
}

func (a *advisor) all(members []inventory.Target) (sum end) {
	for i := range members {
		e := a.target(&members[i])
		sum.steps = max(sum.steps, e.steps)
		sum.recipients = min(sum.recipients+e.recipients, 1<<30)
	}
	return sum
}

// deepChains reports the first address in a chain that is too long. The other addresses
// of the chain have the same remedy.
func (a *advisor) deepChains() {
	a.own(func(address *inventory.Address) {
		if !a.leadsOn(&address.To) {
			return
		}
		if steps := a.address(address).steps; steps > maxSteps && a.longestBelow(&address.To) <= maxSteps {
			a.faults.Add(checkDeep.At(address.Pos, len(address.Local), "mail for %s takes %d steps to its end", address.Local, steps).
				WithHelp("name the end: each step is one more that a change can break"))
		}
	})
}

// longestBelow returns the largest number of steps of the addresses that a target leads
// to directly, including the members of a list and the forward of a user.
func (a *advisor) longestBelow(t *inventory.Target) (steps int) {
	switch t.Kind {
	case inventory.ToUser:
		return a.longestBelow(&a.m.Users[t.Index].Forward)
	case inventory.ToList:
		members := a.m.Lists[t.Index].Members
		for i := range members {
			steps = max(steps, a.longestBelow(&members[i]))
		}
		return steps
	}
	if next, ok := a.next(t); ok {
		return a.address(next).steps
	}
	return 0
}

// leadsOn reports whether a target may have steps of its own. Most have none, and
// nothing is stored for them.
func (a *advisor) leadsOn(t *inventory.Target) bool {
	return t.Kind == inventory.ToAddress || t.Kind == inventory.ToList || t.Kind == inventory.ToUser && a.m.Users[t.Index].Forward.Kind != inventory.NoTarget
}

func (a *advisor) crowds() {
	a.own(func(address *inventory.Address) {
		if address.To.Kind != inventory.ToList || address.Disabled {
			return
		}
		if a.target(&address.To).recipients <= maxRecipients {
			return
		}
		distinct := recipients{a, map[string]bool{}, map[*inventory.Address]bool{}, map[uint32]bool{}}
		distinct.add(&address.To)
		if n := len(distinct.names); n > maxRecipients {
			a.faults.Add(checkCrowd.At(address.Pos, len(address.Local), "mail for %s goes to %d recipients, and anybody may write to it", address.Local, n).
				WithHelp("a mailing list manager asks who writes, and handles bounces; name its alias under local_aliases"))
		}
	})
}

// A recipients collects the recipients of an address, each once.
type recipients struct {
	a     *advisor
	names map[string]bool
	seen  map[*inventory.Address]bool
	users map[uint32]bool // users that were visited
}

func (r *recipients) add(t *inventory.Target) {
	switch t.Kind {
	case inventory.ToList:
		members := r.a.m.Lists[t.Index].Members
		for i := range members {
			r.add(&members[i])
		}
	case inventory.ToUser:
		u := &r.a.m.Users[t.Index]
		if u.Forward.Kind == inventory.NoTarget || u.KeepCopy {
			r.names[u.Name.Text] = true
		}
		if !r.users[t.Index] {
			r.users[t.Index] = true
			r.add(&u.Forward)
		}
	case inventory.NoTarget:
	default:
		next, ok := r.a.next(t)
		switch {
		case !ok:
			r.names[t.Text] = true
		case !r.seen[next] && !refused(next):
			r.seen[next] = true
			r.add(&next.To)
		}
	}
}
