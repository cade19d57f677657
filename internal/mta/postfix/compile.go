package postfix

import (
	"cmp"
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

// A compiler makes the tables of an inventory.
type compiler struct {
	m      *inventory.Model
	faults *diag.List
	tables *effective.Tables
	follow *follow.Follower

	host      string              // the domain of accounts
	mode      behaviour           // drops or keeps: what Postfix does with the detail of a row
	replies   []reply             // by refusal
	users     []string            // recipients by user; empty: not made yet
	lists     []string            // recipients by list without an owner
	aliases   []*alias            // by list; nil: the list has no owner
	taken     map[string]bool     // names that no alias may have
	deferrals map[string]deferral // by the name of an alias
	privates  map[string]reply    // by the local part of an address at refusedDomain
	sizes     map[string]int      // number of recipients by address; -1: being counted
	inside    map[diag.Pos]string // recipients of targets that are addresses of this server
	waiting   map[diag.Pos]bool   // targets of which it was reported that their mail waits

	scratch []inventory.Address
	entries []entry

	virtual, access    *rowText
	rules, accessRules *ruleText
}

// compile makes the tables of an inventory, without the domains that are held back.
// mode says what Postfix does with details; neutral: compile chooses.
func compile(m *inventory.Model, mode behaviour, faults *diag.List) *compiler {
	c := &compiler{
		m: m, faults: faults, tables: effective.Of(m), host: hostDomain(m),
		users: make([]string, len(m.Users)), lists: make([]string, len(m.Lists)), aliases: make([]*alias, len(m.Lists)),
		taken: map[string]bool{}, deferrals: map[string]deferral{}, privates: map[string]reply{}, sizes: map[string]int{},
		inside: map[diag.Pos]string{}, waiting: map[diag.Pos]bool{},
		virtual: newRows(m, "Virtual addresses"), access: newRows(m, "Refused addresses"),
		rules: newRules(m, "Rules for the details of the virtual addresses"), accessRules: newRules(m, "Rules for refused details"),
	}
	c.follow = follow.New(m, c.tables, faults, limits)
	for _, r := range m.Refusals {
		c.replies = append(c.replies, replyOf(r))
	}
	for i := range m.Users {
		c.taken[m.Users[i].Name.Text] = true
	}
	for _, name := range m.LocalAliases {
		c.taken[name.Text] = true
	}
	c.nameAliases()
	if c.tables.TooMany(checkTooManyRows, "table", faults) {
		return c
	}
	if c.mode = mode; mode == neutral {
		c.mode = c.chooseMode()
	}
	c.shared(c.inOrder())
	c.closePrivate()
	c.checkLocalhost()
	return c
}

// domains makes the rows and rules of some domains.
func (c *compiler) domains(names []named) {
	for _, n := range names {
		v := c.of(n.domain)
		v.rows(n.name)
		v.refusals(n.name)
		if n.name == v.name {
			v.detailRules()
			v.refusalRules()
			v.check()
		}
	}
}

// limits are those of cleanup(8). virtual_alias_recursion_limit is 1000, and the look-up
// that finds nothing more counts too.
var limits = follow.Limits{Server: "Postfix", LookUps: 998}

// A named is a domain under one of its names.
type named struct {
	name   string
	domain int
}

// inOrder returns the domains that have rows, under each of their names, in the order
// of rows.
func (c *compiler) inOrder() (all []named) {
	for d := range c.m.Domains {
		if !c.tables.HasRows(d) {
			continue
		}
		for _, name := range namesOf(c.m.Domains[d].Name) {
			all = append(all, named{name, d})
		}
	}
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.name, b.name) })
	return all
}

// chooseMode returns what Postfix shall do with the details of all rows, so that few
// rules are needed. To drop all details, each address that keeps its detail needs a
// rule. To keep all, rules must drop details: a rule for several users of a domain, and
// one rule for a domain with many.
func (c *compiler) chooseMode() behaviour {
	keeping, dropping := 0, 0
	c.mode = keeps
	for d := range c.m.Domains {
		if !c.tables.HasRows(d) || !c.mayKeep(d) {
			dropping++
			continue
		}
		v := c.of(d)
		kept := 0
		for i := range v.entries {
			if e := &v.entries[i]; e.Form == inventory.Plain && v.behaviourOf(e) == keeps {
				kept++
			}
		}
		keeping += kept
		switch names := len(v.dropNames()); {
		case v.generic():
			dropping += 1 + kept
		default:
			dropping += (names + namesPerRule - 1) / namesPerRule
		}
	}
	if keeping > fewRules && keeping > dropping {
		return keeps
	}
	return drops
}

// fewRules is the number of rules up to which the details of all rows are dropped, so
// that the setting of main.cf seldom changes. Between the swap of the tables and the
// reload with the other setting, some details would be kept or dropped wrongly. A
// thousand rules cost 0.1 ms for each look-up.
var fewRules = 500

// mayKeep reports whether an address of a domain may keep its detail.
func (c *compiler) mayKeep(d int) bool {
	if c.tables.Detail(d) == inventory.DetailKeep || c.m.Defaults.Detail == inventory.DetailKeep {
		return true
	}
	for layer := range c.tables.Layers(d) {
		if slices.ContainsFunc(layer, func(a inventory.Address) bool { return a.Detail == inventory.DetailKeep }) {
			return true
		}
	}
	return false
}

// closePrivate closes the names of virtmap's own to strangers.
func (c *compiler) closePrivate() {
	if c.mailboxes() {
		c.access.AddKey(mailboxDomain, unknown.access(), 0)
	}
	if len(c.privates) > 0 {
		c.access.AddKey(refusedDomain, unknown.access(), 0)
	}
	if len(c.aliasRows()) == 0 {
		return
	}
	c.accessRules.block("/^(owner-)?"+aliasPrefix+"/", func(r *ruleText) {
		for _, n := range c.inOrder() {
			v := c.of(n.domain)
			for i := range v.entries {
				if e := &v.entries[i]; isAliasName(e.User()) {
					r.unlessMatches("^" + quote(e.User()) + `(\+` + anyDetail + ")?@" + quote(n.name) + "$")
				}
			}
		}
		r.rule("^", unknown.access())
	})
}

// mailboxes reports whether a user has a mailbox elsewhere.
func (c *compiler) mailboxes() bool {
	return slices.ContainsFunc(c.m.Users, func(u inventory.User) bool { return u.Mailbox.Text != "" })
}
