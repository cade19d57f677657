// Package promise works out the promise of an inventory for an address. It reads only
// the Model, with as little code as possible, and does not know rows, keys of a
// virtusertable, or aliases. The written files are compared with the promise. Because
// the two have no code in common, one mistake cannot be in both.
package promise

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/diag"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// Open is the promise for an address that leads to a domain that is held back. The
// inventory does not say what happens to its mail until the domain is served.
var Open = outcome.Outcome{Open: true}

// Promises that are the same in every inventory. The texts of the refusals are those of
// sendmail; another server may have its own.
var (
	NotOurs     = outcome.Outcome{NotOurs: true, Code: 550, Status: "5.7.1"}
	UnknownUser = outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown", AnyText: true}
)

// Promises works out the promises of one inventory.
type Promises struct {
	Model *inventory.Model

	// Account reports whether the server has an account or an alias with a name. It is
	// used for mail that the inventory leaves to the server: with catch_all: local, and
	// for the server's own names.
	Account func(name string) bool

	// User is called with every user that an address leads to; nil: no call.
	User func(name string)

	tables map[int]table
	lists  sync.Map // outcomes by index
}

// Prepare makes the tables of all domains. After Prepare, Of is safe for concurrent
// use.
func (p *Promises) Prepare() {
	for d := range p.Model.Domains {
		p.table(d)
	}
}

// A table has the addresses of a domain by key, with its copies and roles.
type table map[string]promise

type promise struct {
	to     inventory.Target
	detail inventory.Detail
	pos    diag.Pos
}

// Of returns the promise for mail from outside to a folded address.
func (p *Promises) Of(addr string) outcome.Outcome {
	local, domain := cutAddress(addr)
	domain = p.meant(domain)
	held := p.held(domain)
	if i, ok := p.Model.Domain(domain); ok && p.Model.Domains[i].Enabled && p.Model.Domains[i].Backup && !held {
		return taken(addr)
	}
	if held || !p.ours(domain) {
		return NotOurs
	}
	return p.at(local, domain, 0)
}

func cutAddress(addr string) (local, domain string) {
	at := strings.LastIndexByte(addr, '@')
	return addr[:at], addr[at+1:]
}

// meant returns the host for the names that mean "this host", and other domains
// unchanged.
func (p *Promises) meant(domain string) string {
	host := p.Model.Host.Name.Text
	if domain == "localhost" || domain == "localhost"+host[strings.IndexByte(host+".", '.'):] {
		return host
	}
	return domain
}

func taken(recipients ...string) outcome.Outcome {
	slices.Sort(recipients)
	return outcome.Outcome{Taken: true, Recipients: slices.Compact(recipients)}
}

func (p *Promises) held(domain string) bool {
	i, ok := p.Model.Domain(domain)
	return ok && p.Model.Domains[i].Held
}

func (p *Promises) ours(domain string) bool {
	_, served := p.Model.Serves(domain)
	return served || p.Model.IsHostName(domain)
}

// maxSteps is longer than any chain of addresses that virtuser compiles.
const maxSteps = 200_000

// at returns the promise for an address in a domain of the inventory.
func (p *Promises) at(local, domain string, steps int) outcome.Outcome {
	if steps > maxSteps {
		return outcome.Outcome{Code: 554, Status: "5.0.0"}
	}
	d, served := p.Model.Serves(domain)
	if !served {
		return p.account(local)
	}
	found, key := p.find(d, local)
	user, detail := local, ""
	if at := plusAt(local); at > 0 && key != local {
		user, detail = local[:at], local[at+1:]
	}
	plus := ""
	if user != local {
		plus = "+" + detail
	}
	switch found.to.Kind {
	case inventory.ToLocal:
		return p.account(local)
	case inventory.ToDomain:
		return p.onward(user+plus+"@"+found.to.Text, steps)
	}
	if found.detail != inventory.DetailKeep {
		return p.target(found.to, user, detail, plus, "", steps)
	}
	return p.target(found.to, user, detail, plus, plus, steps)
}

// find returns the promise of the most specific key that an address matches.
func (p *Promises) find(d int, local string) (promise, string) {
	t := p.table(d)
	keys := []string{local}
	catchAll := promise{to: p.catchAll(d), detail: p.detail(d)}
	at := plusAt(local)
	if at > 0 {
		user, detail := local[:at], local[at+1:]
		if detail != "" {
			keys = append(keys, user+"++", user+"+*", user, "++", "+*")
		} else {
			keys = append(keys, user+"+*", user, "+*")
		}
	}
	for _, key := range keys {
		found, ok := t[key]
		if !ok {
			continue
		}
		if found.detail == inventory.DetailReject && at > 0 && key == local[:at] && found.to.Kind != inventory.Refused {
			return refused, key
		}
		return found, key
	}
	if at > 0 && catchAll.detail == inventory.DetailReject && catchAll.to.Kind != inventory.Refused {
		return refused, ""
	}
	return catchAll, ""
}

// plusAt returns the index of the plus before the detail: the first plus that is not
// the first character.
func plusAt(local string) int {
	if len(local) < 2 {
		return -1
	}
	return strings.IndexByte(local[1:], '+') + 1
}

var refused = promise{to: inventory.Target{Kind: inventory.Refused}}

// target returns the promise of a target. keep is the detail that the target gets.
func (p *Promises) target(t inventory.Target, user, detail, plus, keep string, steps int) outcome.Outcome {
	m := p.Model
	switch t.Kind {
	case inventory.Refused:
		r := m.Refusals[t.Index]
		return outcome.Outcome{Code: r.Code, Status: r.Status, Text: r.Text, AnyText: !r.Given}
	case inventory.ToUser:
		return p.user(m.Users[t.Index], keep, steps)
	case inventory.ToAlias:
		return taken(m.LocalAliases[t.Index].Text + keep)
	case inventory.ToList:
		return p.list(int(t.Index), steps)
	}
	if pattern := m.Pattern(&t); pattern != nil {
		return p.onward(pattern.Expand(user, detail, plus), steps)
	}
	local, domain := cutAddress(t.Text)
	return p.onward(local+keep+"@"+domain, steps)
}

// onward returns the promise for an address that mail was sent on to.
func (p *Promises) onward(addr string, steps int) outcome.Outcome {
	local, domain := cutAddress(addr)
	domain = p.meant(domain)
	switch {
	case p.held(domain):
		return Open
	case !p.ours(domain):
		return taken(addr)
	}
	return p.at(local, domain, steps+1)
}

// list returns the promise of a list. It does not depend on the address, and is
// computed once even if lists have lists as members.
func (p *Promises) list(index, steps int) outcome.Outcome {
	if known, ok := p.lists.Load(index); ok && p.User == nil {
		return known.(outcome.Outcome)
	}
	o := p.members(p.Model.Lists[index].Members, steps)
	p.lists.Store(index, o)
	return o
}

func (p *Promises) members(members []inventory.Target, steps int) outcome.Outcome {
	var all []string
	for _, t := range members {
		o := p.target(t, "", "", "", "", steps+1)
		if o.Open {
			return Open
		}
		all = append(all, o.Recipients...)
	}
	return taken(all...)
}

func (p *Promises) user(u inventory.User, keep string, steps int) outcome.Outcome {
	if p.User != nil {
		p.User(u.Name.Text)
	}
	own := u.Name.Text + keep
	if u.Mailbox.Text != "" {
		own = u.Mailbox.Text
	}
	switch {
	case u.Forward.Kind == inventory.NoTarget:
		return taken(own)
	case !u.KeepCopy:
		return p.target(u.Forward, "", "", "", keep, steps+1)
	}
	forwarded := p.target(u.Forward, "", "", "", "", steps+1)
	if forwarded.Open {
		return Open
	}
	if u.Mailbox.Text == "" {
		own = u.Name.Text // the copy goes through an alias, which drops the detail
	}
	return taken(append(slices.Clone(forwarded.Recipients), own)...)
}

// account returns the promise for a name that is left to the server.
func (p *Promises) account(local string) outcome.Outcome {
	name, _, _ := strings.Cut(local, "+")
	_, user := p.Model.User(name)
	_, alias := p.Model.LocalAlias(name)
	if user || alias || p.Account != nil && p.Account(name) {
		return taken(local)
	}
	return UnknownUser
}

func (p *Promises) table(d int) table {
	if t, ok := p.tables[d]; ok {
		return t
	}
	domain := &p.Model.Domains[d]
	t := table{}
	if domain.Source >= 0 {
		t = maps.Clone(p.table(domain.Source))
	} else if !p.Model.IsHostName(domain.Name) {
		p.put(t, p.Model.Defaults.Roles, d)
	}
	p.put(t, domain.Roles, d)
	p.put(t, domain.Addresses, d)
	if p.tables == nil {
		p.tables = map[int]table{}
	}
	p.tables[d] = t
	return t
}

func (p *Promises) put(t table, all []inventory.Address, d int) {
	for _, a := range all {
		detail := a.Detail
		if detail == inventory.DetailUnset {
			detail = p.detail(d)
		}
		switch {
		case a.To.Kind == inventory.Removed:
			delete(t, a.Local)
		case a.Disabled:
			t[a.Local] = refused
		default:
			t[a.Local] = promise{a.To, detail, a.Pos}
		}
	}
}

// detail returns the setting for user+detail of a domain. DetailUnset means drop.
func (p *Promises) detail(d int) inventory.Detail {
	domain := &p.Model.Domains[d]
	switch {
	case domain.Detail != inventory.DetailUnset:
		return domain.Detail
	case domain.Source >= 0:
		return p.detail(domain.Source)
	}
	return p.Model.Defaults.Detail
}

func (p *Promises) catchAll(d int) inventory.Target {
	domain := &p.Model.Domains[d]
	switch {
	case domain.CatchAll.Kind != inventory.NoTarget:
		return domain.CatchAll
	case domain.Source >= 0:
		return p.catchAll(domain.Source)
	}
	return p.Model.Defaults.CatchAll
}
