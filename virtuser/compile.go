package virtuser

import (
	"math"
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/follow"
	"virtmap/internal/parallel"
	"virtmap/inventory"
)

// A Compiled is what sendmail needs for the addresses of an inventory.
type Compiled struct {
	Table   *Table
	Aliases *Aliases
}

// Compile makes the rows and aliases of a Model. It adds a fault for each part that
// does not work in sendmail's order of keys. A domain that is Held has no rows. A
// target in such a domain is replaced by the end of its chain, because sendmail would
// relay it; if the end depends on the address, the row defers the mail. A Model with
// faults is compiled as far as possible, in order to find its other faults; the result
// must not be written.
func Compile(m *inventory.Model, faults *diag.List) *Compiled {
	c := &compiler{
		m: m, faults: faults,
		table:     &Table{text: []byte(header("virtusertable of "+m.Host.Name.Text, m.Name))},
		aliases:   newAliases(m),
		lists:     make([]*Alias, len(m.Lists)),
		mailboxes: make([]*Alias, len(m.Users)),
		refusals:  make([]string, len(m.Refusals)),
		tables:    effective.Of(m),
	}
	c.follow = follow.New(m, c.tables, faults, follow.Limits{Server: "sendmail", LookUps: maxLookups})
	c.nameAliases()
	if !c.tables.TooMany(checkTooMany, "virtusertable", faults) {
		c.shared(len(m.Domains))
	}
	c.aliases.finish()
	c.aliasLoops()
	c.owners()
	c.openWays()
	return &Compiled{Table: c.table, Aliases: c.aliases}
}

// leastDomains is the number of domains for which another processor pays.
var leastDomains = 500

// shared compiles the domains on all processors. Each processor has its own compiler
// for a range of domains. Then the parts are joined in order.
func (c *compiler) shared(domains int) {
	c.table.grow(c.size(0, domains))
	parts := make([]*compiler, parallel.Parts(domains, leastDomains))
	if len(parts) > 1 {
		_ = parallel.Ranges(domains, leastDomains, func(part, from, to int) error {
			parts[part] = c.part(from, to)
			parts[part].domains(from, to)
			return nil
		})
	}
	if len(parts) == 1 || !c.joinable(parts) {
		c.domains(0, domains)
		return
	}
	if slices.ContainsFunc(parts, func(f *compiler) bool { return f.table.outgrew(f.given) }) {
		for _, f := range parts {
			f.table = f.table.clone() // joining would overwrite the text of later parts
		}
	}
	for _, f := range parts {
		c.join(f)
	}
}

// joinable reports whether the parts together give exactly what one compiler gives.
// Otherwise one compiler does all the work again: for faults that only one Follower
// reports right, and for a table that is too large, which is reported at a row.
func (c *compiler) joinable(parts []*compiler) bool {
	var forks []*follow.Follower
	size := uint64(len(c.table.text))
	for _, f := range parts {
		forks = append(forks, f.follow)
		size += uint64(len(f.table.text))
	}
	return size <= math.MaxUint32 && c.follow.Joinable(forks)
}

// domains compiles a range of domains, and the aliases they lead to.
func (c *compiler) domains(from, to int) {
	for d := from; d < to; d++ {
		if c.tables.HasRows(d) {
			c.domain(d)
		}
	}
	c.fillAliases()
}

// size estimates the bytes of the rows of a range of domains, and returns the largest
// possible number of rows.
func (c *compiler) size(from, to int) (text, rows int) {
	const averageValue = 24
	for d := from; d < to; d++ {
		domain := &c.m.Domains[d]
		n := 1 + c.tables.Most(d)
		rows += n
		text += n * (len(domain.Name) + averageValue)
		for i := range domain.Addresses {
			text += len(domain.Addresses[i].Local)
		}
	}
	return text, rows
}

// part returns a compiler for a range of domains. It writes its rows about where they
// will be in the whole table.
func (c *compiler) part(from, to int) *compiler {
	text, rows := c.size(0, from)
	f := &compiler{
		m: c.m, faults: c.faults.Fork(), aliases: &Aliases{},
		lists: c.lists, mailboxes: c.mailboxes, tables: c.tables, refusals: make([]string, len(c.m.Refusals)),
	}
	f.follow = c.follow.Fork(f.faults)
	f.given.text, f.given.rows = c.size(from, to)
	f.table = c.table.part(text, rows, f.given)
	return f
}

// join adds the result of a part. Two parts may have filled the same alias.
func (c *compiler) join(f *compiler) {
	c.table.join(f.table)
	for _, alias := range f.aliases.All {
		if !c.aliases.filled[alias.Name] {
			c.aliases.fill(alias)
		}
	}
	c.faults.Join(f.faults)
	if c.rejecting == "" {
		c.rejecting = f.rejecting
	}
}

// maxLookups is the number of times that sendmail can look up a right side again. Then it
// gives up ("excessive recursion (max 50)"). Each look-up takes about three rulesets; a
// measurement showed that 16 look-ups are too many.
const maxLookups = 15

type compiler struct {
	m       *inventory.Model
	faults  *diag.List
	table   *Table
	aliases *Aliases

	tables    *effective.Tables
	follow    *follow.Follower
	given     tableRoom // of a part
	lists     []*Alias  // by list: aliases with names only, not yet filled
	mailboxes []*Alias  // by user, if the user needs an alias: also not yet filled

	refusals  []string            // right side of each refusal; empty: not made yet
	rejecting string              // the first domain with a rejecting catch-all
	scratch   []inventory.Address // the rows of the current domain
}

func (c *compiler) domain(d int) {
	domain := &c.m.Domains[d]
	if host := c.m.Meant(domain.Name); host != domain.Name {
		c.faults.Add(checkNeverMatches.At(domain.Pos, len(domain.Name), "sendmail rewrites %s to %s before it looks at the virtusertable: no row of this domain can match", domain.Name, host).
			WithHelp("list the addresses under %s; host.local_names may name %s", host, domain.Name))
	}
	c.scratch = c.tables.AppendRows(c.scratch[:0], d)
	for _, a := range c.scratch {
		keep := a.Detail == inventory.DetailKeep && a.Form != inventory.ExactDetail
		value := c.right(a.To, keep, a.Local, domain.Name)
		c.follow.Params(&a)
		c.row(a.Local, domain.Name, value, a.Pos)
		c.follow.Sample(d, &a)
	}
	t, pos := c.tables.CatchAll(d)
	if t.Kind == inventory.Refused && c.rejecting == "" && !c.m.IsHostName(domain.Name) {
		c.rejecting = domain.Name
	}
	if t.Kind == inventory.ToLocal {
		return // no row: the mail goes to sendmail's accounts
	}
	all := inventory.Address{To: t, Pos: pos, Detail: c.tables.Detail(d)}
	value := c.right(t, all.Detail == inventory.DetailKeep, "", domain.Name)
	c.follow.Params(&all)
	c.row("", domain.Name, value, pos)
	c.follow.Sample(d, &all)
}

func (c *compiler) row(local, domain, value string, pos diag.Pos) {
	if err := c.table.add(local, domain, value, pos); err != nil {
		c.faults.Add(checkTooLong.At(pos, max(1, len(local)), "%s", err).WithHelp("shorten the name or the text"))
	}
}

// openWays reports the ways to local accounts that no row can close.
func (c *compiler) openWays() {
	host := c.m.Host.Name
	if c.rejecting == "" || host.Text == "" {
		return
	}
	c.faults.Add(checkOpenWays.At(host.Pos, len(host.Text),
		"accounts of this server still get mail at other spellings of the server's name: root%%localhost@%s, root@%s and root@[127.0.0.1]; that is usual",
		c.rejecting, host.Text).
		WithHelp("to hide this: checks: {VM014: ignore}"))
}
