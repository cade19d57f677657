package exim

import (
	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/inventory"
)

// A compiler makes the rows of an inventory.
type compiler struct {
	m      *inventory.Model
	faults *diag.List
	tables *effective.Tables
	follow *follow.Follower

	accounts string          // the domain of accounts
	users    []string        // values of users, by user; empty: not made yet
	replies  []string        // values of refusals, by refusal; empty: not made yet
	owned    map[string]bool // owners that have a row, by address
	owners   mapfile.Pairs   // rows of owners
	note     *diag.Fault     // of the first detail that is kept for an account; nil: there is none
	scratch  []inventory.Address
	rows     *rowtext.Text
}

// limits are those of a router. An address with more than 101 others before it is
// deferred ("routing loop"); ten are left to the server's own aliases.
var limits = follow.Limits{Server: "Exim", LookUps: 90}

// compile makes the rows of an inventory, without the domains that are held back.
func compile(m *inventory.Model, faults *diag.List) *rowtext.Text {
	c := &compiler{
		m: m, faults: faults, tables: effective.Of(m), accounts: accountsOf(m),
		users: make([]string, len(m.Users)), replies: make([]string, len(m.Refusals)),
		owned: map[string]bool{}, rows: rowtext.New(mta.Header(m, "Virtual addresses")),
	}
	c.follow = follow.New(m, c.tables, faults, limits)
	if c.tables.TooMany(checkTooMany, "table", faults) {
		return c.rows
	}
	var domains []int
	for d := range m.Domains {
		if c.tables.HasRows(d) {
			domains = append(domains, d)
		}
	}
	c.shared(domains)
	if c.note != nil {
		faults.Add(*c.note)
	}
	if len(c.owners) > 0 {
		return c.rows.Merged(c.owners, nil)
	}
	return c.rows
}

// accountsOf returns the domain of accounts: the host's own name, unless it has rows.
func accountsOf(m *inventory.Model) string {
	if _, rows := m.Serves(m.Host.Name.Text); rows {
		return accountsDomain
	}
	return m.Host.Name.Text
}

// domain makes the rows of a domain.
func (c *compiler) domain(d int) {
	name := c.m.Domains[d].Name
	c.scratch = c.tables.AppendRows(c.scratch[:0], d)
	for i := range c.scratch {
		a := &c.scratch[i]
		c.add(a, name, a.Form, a.Detail == inventory.DetailKeep && a.Form != inventory.ExactDetail)
		c.follow.Params(a)
		c.follow.Sample(d, a)
	}
	t, pos := c.tables.CatchAll(d)
	if t.Kind == inventory.ToLocal {
		c.rows.Add("", name, localWord, pos)
		return
	}
	all := inventory.Address{To: t, Pos: pos, Detail: c.tables.Detail(d)}
	c.add(&all, name, inventory.AnyUser, all.Detail == inventory.DetailKeep)
	c.follow.Params(&all)
	c.follow.Sample(d, &all)
}

// add makes the row of an address, or of the catch-all.
func (c *compiler) add(a *inventory.Address, domain string, form inventory.Form, keep bool) {
	r := row{local: a.Local, domain: domain, form: form, pos: a.Pos}
	c.rows.Add(a.Local, domain, c.value(&a.To, keep, &r), a.Pos)
	mta.CheckKey(c.m, a, domain, checkKeyLong, c.faults)
}
