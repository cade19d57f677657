package exim

import (
	"virtmap/internal/follow"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/parallel"
)

// leastDomains is the number of domains for which another processor pays.
var leastDomains = 500

// shared makes the rows of domains on all processors. Each processor has a compiler of its
// own for a range of domains; then the parts are joined in order. The result is the same
// for any number of processors.
func (c *compiler) shared(domains []int) {
	c.rows.Grow(c.room(domains))
	n := parallel.Parts(len(domains), leastDomains)
	if n == 1 {
		c.domains(domains)
		return
	}
	parts, forks, used := make([]*compiler, n), make([]*follow.Follower, n), c.rows.Used()
	_ = parallel.Ranges(len(domains), leastDomains, func(part, from, to int) error {
		parts[part] = c.part(c.room(domains[:from]), c.room(domains[from:to]))
		forks[part] = parts[part].follow
		parts[part].domains(domains[from:to])
		return nil
	})
	if !c.follow.Joinable(forks) {
		c.rows.Cut(used)
		c.domains(domains)
		return
	}
	tables := make([]*rowtext.Text, n)
	for i, p := range parts {
		tables[i] = p.rows
	}
	c.rows.Join(tables)
	for _, p := range parts {
		c.faults.Join(p.faults)
		c.owners = append(c.owners, p.owners...)
		if c.note == nil {
			c.note = p.note
		}
	}
}

// domains makes the rows of some domains.
func (c *compiler) domains(all []int) {
	for _, d := range all {
		c.domain(d)
	}
}

// room estimates the size of the rows of some domains, from above for most inventories.
func (c *compiler) room(domains []int) (s rowtext.Size) {
	const averageValue = 30
	for _, d := range domains {
		domain := &c.m.Domains[d]
		rows := 1 + c.tables.Most(d)
		s.Rows += rows
		s.Text += rows * (len(domain.Name) + averageValue)
		for i := range domain.Addresses {
			s.Text += len(domain.Addresses[i].Local)
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
	p.users, p.replies = make([]string, len(c.users)), make([]string, len(c.replies))
	p.owned, p.owners, p.scratch, p.note = map[string]bool{}, nil, nil, nil
	p.rows = c.rows.Part(before, size)
	return &p
}
