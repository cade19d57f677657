package follow

import (
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/inventory"
)

// Limits are what a mail server does with addresses that lead to other addresses.
type Limits struct {
	Server  string // the name of the server in messages, for example sendmail
	LookUps int    // the number of times that the server can look the target of a row up again
}

const (
	// maxSteps limits a chain of targets that are followed when the table is written.
	// For such a target, a server needs no look-up.
	maxSteps = 100_000
	// maxGrown is the greatest length of an address, in bytes. It ends a circle in which
	// each address is longer than the one before.
	maxGrown = 1000
	// rememberedSteps is the least number of steps to the end for which Follower.ends
	// keeps the end of an address. Most chains are shorter.
	rememberedSteps = 8
)

// A Follower follows targets, and remembers what it has found and reported.
type Follower struct {
	m      *inventory.Model
	tables *effective.Tables
	faults *diag.List
	limits Limits
	listed *listed // shared by all Forks

	trail   trail // the chain that is being followed
	users   []*delivery
	lists   []*Recipients
	reached []Goal

	loops    map[string]bool  // circles that were reported, by their names
	reported map[*string]bool // the same circles, by the memory address of their first name
	far      bool             // a chain that is too long was reported
	ends     map[string]End   // ends by address, for addresses at rememberedSteps or more
}

// New returns a Follower that adds its faults to a list.
func New(m *inventory.Model, tables *effective.Tables, faults *diag.List, limits Limits) *Follower {
	return (&Follower{m: m, tables: tables, limits: limits, listed: findLists(m)}).Fork(faults)
}

// Fork returns a Follower of the same inventory that has not followed anything. Forks
// may be used at the same time.
func (f *Follower) Fork(faults *diag.List) *Follower {
	return &Follower{
		m: f.m, tables: f.tables, limits: f.limits, listed: f.listed, faults: faults,
		users:    make([]*delivery, len(f.m.Users)),
		lists:    make([]*Recipients, len(f.m.Lists)),
		loops:    map[string]bool{},
		reported: map[*string]bool{},
		ends:     map[string]End{},
	}
}

// Joinable reports whether forks, each with a part of the inventory and with faults of its
// own, together report exactly what one Follower reports. A circle is reported at the first
// address that reaches it, of chains that are too long only the first is reported, and a
// list of faults keeps only so many. Where this matters, one Follower does all the work
// again.
func (f *Follower) Joinable(forks []*Follower) bool {
	var faults []*diag.List
	for _, fork := range forks {
		if len(fork.loops) > 0 || fork.far {
			return false
		}
		faults = append(faults, fork.faults)
	}
	return f.faults.Fits(faults...)
}

// From follows a target that is an address. what is the name of the address or user that
// has the target. The trail begins with this name, so that messages about a circle have
// it.
func (f *Follower) From(what, target string) End {
	from := f.trail.len()
	f.trail.push(what)
	e := f.follow(target)
	f.trail.cut(from)
	return e
}

// follow looks an address up again and again until it is outside of the inventory or is
// a local name. The trail has the addresses on the way. The end is stored for each
// address that is at least rememberedSteps away from it, so that a long chain is
// followed only once.
func (f *Follower) follow(addr string) (e End) {
	from := f.trail.len()
	for on := true; on; {
		addr, on = f.step(addr, &e)
	}
	e.Steps += f.trail.len() - from
	for i := from; i < f.trail.len() && e.Steps-(i-from) >= rememberedSteps; i++ {
		known := e
		known.Steps -= i - from
		f.ends[f.trail.names[i]] = known
	}
	f.trail.cut(from)
	return e
}

// step looks an address up once. on reports whether there is a next address; otherwise e
// gets the end.
func (f *Follower) step(addr string, e *End) (next string, on bool) {
	local, domain, d, whose := f.tables.Locate(addr)
	switch whose {
	case effective.Accounts:
		*e = f.account(local, domain)
		return "", false
	case effective.Elsewhere:
		e.Goal = Goal{Kind: Elsewhere, Addr: addr}
		return "", false
	}
	if i := f.trail.index(addr); i >= 0 {
		e.Loop = append(f.trail.from(i), addr)
		return "", false
	}
	if known, ok := f.ends[addr]; ok {
		*e = known
		return "", false
	}
	switch {
	case len(addr) > maxGrown:
		e.Loop = append(f.trail.from(0), addr)
		return "", false
	case f.trail.len() > maxSteps:
		e.Far = true
		return "", false
	}
	f.trail.push(addr)
	m := f.tables.Lookup(d, local)
	if next, on = f.tables.Next(&m); on {
		f.Goal(&m.To) // reports circles of users
		return next, true
	}
	*e = f.last(&m, local, domain)
	return "", false
}

// last returns the end of a chain whose last match is m.
func (f *Follower) last(m *effective.Match, local, domain string) End {
	switch {
	case m.Refused:
		return End{Goal: Goal{Kind: Refused}}
	case m.To.Kind == inventory.Refused:
		e := End{Goal: f.Goal(&m.To)}
		if m.CatchAll {
			e.DeadEnd = local + "@" + domain
		}
		return e
	case m.To.Kind == inventory.ToLocal:
		return f.account(local, domain)
	}
	e := End{Goal: f.Goal(&m.To)}
	if m.Keep {
		e.Plus = m.Plus
	}
	return e
}

// account returns the end at a local account. The account must be declared, because an
// undeclared one may be a typing error.
func (f *Follower) account(local, domain string) End {
	user := local
	if at := strings.IndexByte(local[min(1, len(local)):], '+'); at >= 0 {
		user = local[:at+1]
	}
	e := End{Goal: Goal{Kind: Account, Addr: local}}
	_, isUser := f.m.User(user)
	if _, isAlias := f.m.LocalAlias(user); !isUser && !isAlias {
		e.DeadEnd = local + "@" + domain
	}
	return e
}
