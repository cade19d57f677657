package listing

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// A Listing lists the addresses of a Model. It is for one goroutine.
type Listing struct {
	m       *inventory.Model
	tables  *effective.Tables
	targets *follow.Follower
	rights  *senders.Rights // nil: no domain sends
	through *passage        // nil: all rows are listed
}

// A passage finds the rows whose mail goes to a user or an alias.
type passage struct {
	name    string
	listing *Listing // of a Model in which the name has no forward
}

// New returns the listing of a Model. Faults of targets that are followed are added to
// faults: circles, and targets that are refused.
func New(m *inventory.Model, faults *diag.List) *Listing {
	l := following(m, faults)
	if m.Sending() {
		l.rights = senders.Of(m)
	}
	return l
}

// following returns a Listing without senders.
func following(m *inventory.Model, faults *diag.List) *Listing {
	tables := effective.Of(m)
	return &Listing{m: m, tables: tables, targets: follow.New(m, tables, faults, follow.Limits{})}
}

// Through returns a Listing of only those rows whose mail goes to a user or a name of
// local_aliases, also if the user forwards it. Rows whose end depends on the address are
// left out.
func (l *Listing) Through(name string) *Listing {
	at := Listing{m: l.m, tables: l.tables, targets: l.targets, rights: l.rights, through: &passage{name, l}}
	if i, ok := l.m.User(name); ok && l.m.Users[i].Forward.Kind != inventory.NoTarget {
		open := *l.m
		open.Users = slices.Clone(l.m.Users)
		open.Users[i].Forward = inventory.Target{}
		at.through.listing = following(&open, &diag.List{})
	}
	return &at
}

// Rows yields the rows of a domain, given by its index in the Model, in the order of
// inventory.CompareKeys. The next step changes the Row.
func (l *Listing) Rows(d int) iter.Seq[*Row] {
	return func(yield func(*Row) bool) {
		domain := &l.m.Domains[d]
		row := Row{Domain: domain.Name, Sends: l.rights != nil && l.rights.Sends(d)}
		if domain.Backup {
			row.Address, row.Kind, row.Source, row.Disabled, row.Pos = CatchAll, Backup, Own, !domain.Enabled, domain.Pos
			if l.through == nil {
				yield(&row)
			}
			return
		}
		for origin, a := range l.tables.Walk(d) {
			row.Address, row.Source, row.Disabled, row.Pos = a.Local, sources[origin], a.Disabled || !domain.Enabled, a.Pos
			if !l.lead(&row, a.Local, &a.To) {
				continue
			}
			if l.allow(&row, d, a.Local); !yield(&row) {
				return
			}
		}
		to, pos := l.tables.CatchAll(d)
		row.Address, row.Source, row.Disabled, row.Pos = CatchAll, l.catchAllSource(domain, &to), !domain.Enabled, pos
		if l.lead(&row, "", &to) {
			l.allow(&row, d, "")
			yield(&row)
		}
	}
}

// allow completes a row of a domain that sends.
func (l *Listing) allow(row *Row, d int, local string) {
	if row.Sends {
		row.Senders = l.rights.Right(d, local).Users
	}
}

// catchAllSource returns what gives a domain its catch-all.
func (l *Listing) catchAllSource(d *inventory.Domain, to *inventory.Target) Source {
	switch {
	case d.CatchAll.Kind != inventory.NoTarget:
		return Own
	case *to == l.m.Defaults.CatchAll:
		return Default
	}
	return Copy
}

// lead completes a row of a key whose target is to. It reports whether the row is
// listed.
func (l *Listing) lead(row *Row, local string, to *inventory.Target) bool {
	if l.through != nil && !l.through.has(row, local, to) {
		return false
	}
	row.Kind = l.kind(to)
	row.To = l.appendWritten(row.To[:0], to)
	row.Reply = ""
	if to.Kind == inventory.Refused {
		row.Reply = reply(&l.m.Refusals[to.Index])
	}
	if row.Ends = row.Ends[:0]; !row.Disabled {
		row.Ends = l.appendEnds(row.Ends, row, local, to)
	}
	return true
}

// has reports whether mail for a row goes to the name of the passage.
func (p *passage) has(row *Row, local string, to *inventory.Target) bool {
	switch to.Kind {
	case inventory.ToDomain, inventory.ToPattern, inventory.ToLocal, inventory.Refused:
		return false
	}
	return !row.Disabled && slices.ContainsFunc(p.listing.appendEnds(nil, row, local, to), func(end string) bool {
		account, _, _ := strings.Cut(end, "+")
		return end == p.name || account == p.name && !strings.Contains(end, "@")
	})
}

// kind returns the kind of a target.
func (l *Listing) kind(to *inventory.Target) Kind {
	switch to.Kind {
	case inventory.ToUser:
		return User
	case inventory.ToAlias:
		return Alias
	case inventory.ToList:
		return List
	case inventory.ToPattern:
		return Pattern
	case inventory.ToDomain:
		return Domain
	case inventory.ToLocal:
		return Local
	case inventory.ToAddress:
		if _, _, _, whose := l.tables.Locate(to.Text); whose == effective.Elsewhere {
			return Forward
		}
		return Address
	}
	if l.m.Refusals[to.Index].Code < 500 {
		return Defer
	}
	return Reject
}

// appendWritten appends a target, or the members of a list, as the inventory has them.
func (l *Listing) appendWritten(all []string, to *inventory.Target) []string {
	switch to.Kind {
	case inventory.ToLocal, inventory.Refused:
		return all
	case inventory.ToDomain:
		return append(all, "@"+to.Text)
	case inventory.ToList:
		for i := range l.m.Lists[to.Index].Members {
			all = l.appendWritten(all, &l.m.Lists[to.Index].Members[i])
		}
		return all
	}
	return append(all, to.Written())
}

func reply(r *inventory.Refusal) string {
	text := fmt.Sprintf("%d %s", r.Code, r.Status)
	if r.Given {
		text += " " + r.Text
	}
	return text
}

// appendEnds appends the names and addresses at which mail for a target ends.
func (l *Listing) appendEnds(all []string, row *Row, local string, to *inventory.Target) []string {
	var goal follow.Goal
	switch to.Kind {
	case inventory.ToDomain, inventory.ToPattern:
		return append(all, row.To...)
	case inventory.ToAddress:
		label := follow.Label(local, row.Domain)
		end := l.targets.From(label, to.Text)
		if !l.targets.Report(&end, to, label) {
			return all
		}
		goal = end.Goal
	default:
		goal = l.targets.Goal(to)
	}
	if goal.Kind != follow.List && (goal.Kind != follow.User || l.m.Users[goal.Index].Forward.Kind == inventory.NoTarget) {
		return append(all, l.names(&goal)...)
	}
	have := map[string]bool{} // a user and an account of the host may have the same name
	for _, end := range l.targets.Flat(goal) {
		for _, name := range l.names(&end) {
			if !have[name] {
				all = append(all, name)
			}
			have[name] = true
		}
	}
	return all
}

// names returns the name or the address of a recipient. There is none for one that is
// refused or leads nowhere.
func (l *Listing) names(g *follow.Goal) []string {
	switch g.Kind {
	case follow.User:
		return []string{l.m.Users[g.Index].Name.Text}
	case follow.Alias:
		return []string{l.m.LocalAliases[g.Index].Text}
	case follow.Refused, follow.Nowhere:
		return nil
	}
	return []string{g.Addr}
}
