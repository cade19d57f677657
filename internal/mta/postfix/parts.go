package postfix

import (
	"maps"
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/parallel"
)

// leastDomains is the number of domains for which another processor pays.
var leastDomains = 500

// shared compiles domains on all processors. Each processor has a compiler of its own
// for a range of domains; then the parts are joined in order. The result is the same for
// any number of processors.
func (c *compiler) shared(names []named) {
	n := parallel.Parts(len(names), leastDomains)
	if n == 1 {
		c.virtual.Grow(c.room(names))
		c.domains(names)
		return
	}
	parts, forks, used := make([]*compiler, n), make([]*follow.Follower, n), c.virtual.Used()
	c.virtual.Grow(c.room(names))
	_ = parallel.Ranges(len(names), leastDomains, func(part, from, to int) error {
		parts[part] = c.part(c.room(names[:from]), c.room(names[from:to]))
		forks[part] = parts[part].follow
		parts[part].domains(names[from:to])
		return nil
	})
	if !c.follow.Joinable(forks) {
		c.virtual.Cut(used)
		c.domains(names)
		return
	}
	tables := make([]*rowText, n)
	for i, p := range parts {
		tables[i] = p.virtual
	}
	c.virtual.Join(tables)
	for _, p := range parts {
		c.join(p)
	}
}

// room estimates the size of the rows of some domains, from above for most inventories.
func (c *compiler) room(names []named) (s rowtext.Size) {
	const averageValue = 32
	for _, n := range names {
		rows := 1 + c.tables.Most(n.domain)
		s.Rows += rows
		s.Text += rows * (len(n.name) + averageValue)
		addresses := c.m.Domains[n.domain].Addresses
		for i := range addresses {
			s.Text += len(addresses[i].Local)
		}
	}
	return s
}

// part returns a compiler for a range of domains. It writes its rows about where they
// will be in the whole table.
func (c *compiler) part(before, size rowtext.Size) *compiler {
	p := *c
	p.faults = c.faults.Fork()
	p.follow = c.follow.Fork(p.faults)
	p.users, p.lists, p.aliases = make([]string, len(c.users)), make([]string, len(c.lists)), slices.Clone(c.aliases)
	for i, a := range c.aliases {
		if a != nil {
			p.aliases[i] = &alias{name: a.name}
		}
	}
	p.deferrals, p.privates, p.sizes = map[string]deferral{}, map[string]reply{}, map[string]int{}
	p.inside, p.waiting = map[diag.Pos]string{}, map[diag.Pos]bool{}
	p.scratch, p.entries = nil, nil
	p.virtual, p.access = c.virtual.Part(before, size), &rowText{}
	p.rules, p.accessRules = &ruleText{}, &ruleText{}
	return &p
}

// join adds the result of a part.
func (c *compiler) join(p *compiler) {
	c.access.Join([]*rowText{p.access})
	c.rules.join(p.rules)
	c.accessRules.join(p.accessRules)
	maps.Copy(c.privates, p.privates)
	maps.Copy(c.deferrals, p.deferrals)
	for i, a := range p.aliases {
		if a != nil && a.members != nil {
			c.aliases[i] = a
		}
	}
	c.faults.Join(p.faults)
}

// join appends the rules of another text.
func (r *ruleText) join(o *ruleText) {
	r.rules += o.rules
	r.text.WriteString(o.text.String())
}
