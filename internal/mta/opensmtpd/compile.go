package opensmtpd

import (
	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

// A compiler makes the rows of an inventory.
type compiler struct {
	m      *inventory.Model
	faults *diag.List
	tables *effective.Tables
	follow *follow.Follower

	told    map[diag.Pos]bool // places with a fault that copies would report again
	scratch []inventory.Address
	rows    rows
}

// rows are what is made of an inventory: the rows of three tables, sorted, the listed
// addresses of domains whose other names are accounts, and regular expressions for those
// with a detail.
type rows struct {
	tables                      [3]table
	listed, detail, emptyDetail []string
	details                     bool // the tables of details are asked
}

// A kind of address has a table.
type kind int

const (
	plain       kind = iota // without a detail
	withDetail              // user+detail
	emptyDetail             // user+
)

// limits are those of a table: an address is never looked up again, because rows name
// final recipients.
var limits = follow.Limits{Server: "OpenSMTPD", LookUps: maxVisits}

// compile makes the rows of an inventory, without the domains that are held back.
func compile(m *inventory.Model, faults *diag.List) rows {
	c := &compiler{m: m, faults: faults, tables: effective.Of(m), told: map[diag.Pos]bool{}}
	c.follow = follow.New(m, c.tables, faults, limits)
	if c.tables.TooMany(checkTooMany, "table", faults) {
		return c.rows
	}
	for d := range m.Domains {
		if c.tables.HasRows(d) {
			c.check(d)
			c.domain(d)
		}
	}
	c.bounces()
	c.finish()
	return c.rows
}

// check adds the faults of the targets of a domain.
func (c *compiler) check(d int) {
	name := c.m.Domains[d].Name
	for _, a := range c.tables.Table(d) {
		if c.checkDots(&a, name); !a.Disabled {
			c.target(d, &a, name)
		}
	}
	t, pos := c.tables.CatchAll(d)
	c.target(d, &inventory.Address{To: t, Pos: pos, Form: inventory.AnyUser, Detail: c.tables.Detail(d)}, name)
}

// target adds the faults of the target of an address, or of the catch-all.
func (c *compiler) target(d int, a *inventory.Address, domain string) {
	if a.To.Kind == inventory.ToAddress {
		what := follow.Label(a.Local, domain)
		e := c.follow.From(what, a.To.Text)
		c.follow.Report(&e, &a.To, what)
	} else {
		c.follow.Goal(&a.To)
	}
	c.follow.Params(a)
	c.follow.Sample(d, a)
}

// bounces reports the lists with bounces_to that an address leads to.
func (c *compiler) bounces() {
	for _, g := range c.follow.Reached() {
		if g.Kind != follow.List || c.m.Lists[g.Index].BouncesTo.Kind == inventory.NoTarget {
			continue
		}
		to := &c.m.Lists[g.Index].BouncesTo
		c.faults.Add(checkBounces.At(to.Pos, max(1, len(to.Written())), "the bounces of %s shall go to %s, and OpenSMTPD cannot set the sender of the copies", c.follow.ListLabel(int(g.Index)), to.Written()).
			WithHelp("leave bounces_to out: bounces go to the sender of the mail; or send the list to a list manager"))
	}
}
