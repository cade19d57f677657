// Package senders works out who may send from which address. The compilers of mail servers
// write their tables of senders from it. The package knows no mail server.
//
// # Who may send
//
// A domain without sends: yes gives nobody a right. In a domain that sends:
//
//   - senders of an address are the only ones who may send from it
//   - without them, the users who get the mail of the address, and the senders of the
//     domain, may send from it
//   - nobody may send from an address that refuses mail
//
// A user who forwards mail, or whose mail has a file of its own, still gets it.
// user+detail counts as user, if it is not listed. Keys for several addresses, such as
// user+*, give no rights. An address that is not listed counts as the catch-all: its
// recipients have the right; with catch_all: local, each user has the right to the address
// of the same name. A catch-all that leads to the same names elsewhere has no recipients
// here. With
//
//	users: {andrei: , bea: , carol: }
//	domains:
//	  a.example:
//	    sends: yes
//	    senders: [carol]
//	    addresses: {fake: andrei, info: {to: [andrei, bea], senders: [bea]}, old: reject}
//	    catch_all: bea
//
// these are the rights:
//
//	fake@a.example      andrei, carol
//	info@a.example      bea
//	old@a.example       nobody
//	anything@a.example  bea, carol
//
// Whether DNS leads mail of the domain here does not matter for its senders.
package senders

import (
	"iter"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A Right says who may send from an address of a domain.
type Right struct {
	Local string   // of a listed address; empty: the addresses that are not listed
	Users []string // sorted; empty: no user may send
	Own   bool     // of the addresses that are not listed: also each user, from the address of the same name
	Pos   diag.Pos // of the address, or of the catch-all
}

// Has reports whether a user is one of the Users.
func (r *Right) Has(user string) bool { return slices.Contains(r.Users, user) }

// Rights are the rights of an inventory. They are for one goroutine.
type Rights struct {
	m      *inventory.Model
	tables *effective.Tables
	ends   *follow.Follower
}

// Of works out the rights of an inventory. Faults of targets are not reported.
func Of(m *inventory.Model) *Rights {
	open := *m
	open.Users = slices.Clone(m.Users)
	for i := range open.Users {
		open.Users[i].Forward = inventory.Target{}
	}
	open.Domains = slices.Clone(m.Domains)
	for d := range open.Domains {
		open.Domains[d].Held = false
	}
	tables := effective.Of(&open)
	return &Rights{m: &open, tables: tables, ends: follow.New(&open, tables, &diag.List{}, follow.Limits{})}
}

// Sends reports whether mail may be sent from addresses of a domain.
func (r *Rights) Sends(d int) bool {
	domain := &r.m.Domains[d]
	return domain.Enabled && !domain.Backup && domain.Sends.On
}

// In yields the rights of a domain: those of the listed addresses that are no keys for
// several addresses, in the order of inventory.Address.Compare, and then that of the other
// addresses. A domain that does not send has none.
func (r *Rights) In(d int) iter.Seq[Right] {
	return func(yield func(Right) bool) {
		if !r.Sends(d) {
			return
		}
		for _, a := range r.tables.Walk(d) {
			if isOne(a) && !yield(r.listed(d, a)) {
				return
			}
		}
		yield(r.others(d))
	}
}

// isOne reports whether a key is that of one address.
func isOne(a *inventory.Address) bool {
	return a.Form == inventory.Plain || a.Form == inventory.ExactDetail
}

// listed returns the right to a listed address.
func (r *Rights) listed(d int, a *inventory.Address) Right {
	right := Right{Local: a.Local, Pos: a.Pos}
	if a.Disabled || a.To.Kind == inventory.Refused {
		return right
	}
	if only, given := r.m.SendersAt(a.Pos); given {
		right.Users = names(only)
		return right
	}
	users, refused := r.recipients(&a.To, follow.Label(a.Local, r.m.Domains[d].Name))
	if !refused {
		right.Users = joined(users, r.ofDomain(d))
	}
	return right
}

// others returns the right to the addresses of a domain that are not listed.
func (r *Rights) others(d int) Right {
	to, pos := r.tables.CatchAll(d)
	if to.Kind == inventory.Refused {
		return Right{Pos: pos}
	}
	users, refused := r.recipients(&to, follow.Label("", r.m.Domains[d].Name))
	if refused {
		return Right{Pos: pos}
	}
	return Right{Users: joined(users, r.ofDomain(d)), Own: to.Kind == inventory.ToLocal, Pos: pos}
}

// ofDomain returns the senders of a domain, which it may have from the domain it copies.
func (r *Rights) ofDomain(d int) []string {
	for ; d >= 0; d = r.m.Domains[d].Source {
		if s, given := r.m.SendersAt(r.m.Domains[d].Pos); given {
			return names(s)
		}
	}
	return nil
}

// recipients returns the users who get the mail of a target.
func (r *Rights) recipients(to *inventory.Target, what string) (users []string, refused bool) {
	var goal follow.Goal
	switch to.Kind {
	case inventory.ToDomain, inventory.ToPattern, inventory.ToLocal:
		return nil, false
	case inventory.ToAddress:
		end := r.ends.From(what, to.Text)
		if end.DeadEnd != "" {
			return nil, true
		}
		goal = end.Goal
	default:
		goal = r.ends.Goal(to)
	}
	if goal.Kind == follow.Refused || goal.Kind == follow.Nowhere {
		return nil, true
	}
	for _, end := range r.ends.Flat(goal) {
		if name, ok := r.userOf(&end); ok {
			users = append(users, name)
		}
	}
	return users, false
}

// userOf returns the user at whom mail ends.
func (r *Rights) userOf(end *follow.Goal) (name string, ok bool) {
	switch end.Kind {
	case follow.User:
		return r.m.Users[end.Index].Name.Text, true
	case follow.Account:
		name, _ = mailaddr.CutDetail(end.Addr)
		_, ok = r.m.User(name)
	}
	return name, ok
}

// May reports whether a user may send from an address: by a right, or because the address
// is that of the user's account.
func (r *Rights) May(user, addr string) bool {
	local, domain, d, whose := r.tables.Locate(addr)
	_, declared := r.m.User(user)
	name, _ := mailaddr.CutDetail(local)
	own := declared && name == user
	if whose == effective.Listed && r.Sends(d) {
		right := r.Right(d, local)
		return right.Has(user) || right.Own && own
	}
	return own && r.m.IsHostName(domain)
}

// Listed returns the right to an address that a domain lists itself, by its whole local
// part.
func (r *Rights) Listed(d int, local string) (Right, bool) {
	a, ok := r.tables.Find(d, local, inventory.ParseForm(local))
	if !ok || !isOne(&a) {
		return Right{}, false
	}
	return r.listed(d, &a), true
}

// Lists reports whether a domain lists an address itself.
func (r *Rights) Lists(d int, local string) bool {
	_, is := r.Listed(d, local)
	return is
}

// Right returns the right to an address of a domain that sends, given by its local part.
func (r *Rights) Right(d int, local string) Right {
	user, _ := mailaddr.CutDetail(local)
	for _, key := range []string{local, user} {
		if right, ok := r.Listed(d, key); ok {
			return right
		}
	}
	return r.others(d)
}

func names(s inventory.Senders) []string {
	all := make([]string, len(s.Users))
	for i, name := range s.Users {
		all[i] = name.Text
	}
	return all
}

// joined returns the users of two lists, sorted, each once.
func joined(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.SortFunc(all, strings.Compare)
	return slices.Compact(all)
}
