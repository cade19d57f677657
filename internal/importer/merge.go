package importer

import (
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// A Merge is the part of an import that an existing inventory does not have.
type Merge struct {
	Additions inventory.Additions
	Added     int // number of addresses, without those of new domains

	server *Server
	have   mta.Build
	inv    *Inventory
	lines  []string // lines of the imported inventory
	names  map[string]bool
}

// Into compares an import with an existing inventory, and finds what to add. ForMerge
// makes the inventory of the import.
func (s *Server) Into(have mta.Build, inv *Inventory) *Merge {
	m := &Merge{server: s, have: have, inv: inv, lines: strings.Split(inv.Text, "\n"), names: map[string]bool{}}
	m.Additions.Addresses = map[string][]inventory.Entry{}
	model, c, tables := inv.Source.Inventory(), m.beside(have), effective.Of(have.Inventory())
	for i := range model.Domains {
		d := &model.Domains[i]
		known, listed := have.Inventory().Domain(d.Name)
		switch {
		case m.closed(d.Name) != "": // Prove reports its differences
		case listed:
			m.domain(d, tables.Detail(known), c)
		default:
			m.Additions.Domains = append(m.Additions.Domains, m.whole(i))
			m.lead(d.CatchAll)
			for a := range d.Addresses {
				m.lead(d.Addresses[a].To)
			}
		}
	}
	return m
}

// beside returns a comparison of an inventory with the import. Both have the same server
// and the accounts of both.
func (m *Merge) beside(other mta.Build) *comparing {
	return &comparing{Pair: m.server.Both(other, m.inv.Source)}
}

// domain adds the addresses that a domain of the inventory does not have. detail is the
// default of the domain there.
func (m *Merge) domain(d *inventory.Domain, detail inventory.Detail, c *comparing) {
	for i := range d.Addresses {
		a := &d.Addresses[i]
		key := a.Local + "@" + d.Name
		if _, listed := m.have.Place(key); listed || !c.differ(examples(key)) {
			continue
		}
		e := m.entry(m.line(a.Pos))
		e.Text = withDetail(e.Text, a, d.Detail, detail)
		m.Additions.Addresses[d.Name] = append(m.Additions.Addresses[d.Name], e)
		m.lead(a.To)
		m.Added++
	}
}

// withDetail returns the lines of an address. It adds the detail when the default of the
// new domain is another one.
func withDetail(text string, a *inventory.Address, from, to inventory.Detail) string {
	from, to = max(from, inventory.DetailDrop), max(to, inventory.DetailDrop)
	if from == to || a.Detail != inventory.DetailUnset || a.Form == inventory.ExactDetail || a.To.Kind == inventory.Refused || a.To.Kind == inventory.ToDomain || a.To.Kind == inventory.ToPattern {
		return text
	}
	detail := "detail: " + detailWord[from]
	if key, members, long := strings.Cut(text, ":\n"); long {
		if strings.HasPrefix(members, "  - ") {
			members = "  to:\n  " + strings.ReplaceAll(members, "\n", "\n  ")
		}
		return key + ":\n" + members + "\n  " + detail
	}
	key, value, _ := strings.Cut(text, ": ")
	if strings.HasPrefix(value, "{to: ") {
		value = strings.TrimPrefix(strings.TrimSuffix(value, "}"), "{to: ")
	}
	return key + ": {to: " + value + ", " + detail + "}"
}

// detailWord has the words for details.
var detailWord = map[inventory.Detail]string{inventory.DetailDrop: "drop", inventory.DetailKeep: "keep", inventory.DetailReject: "reject"}

// differ reports whether the outcome of one of the addresses differs.
func (c *comparing) differ(addresses []string) bool {
	return slices.ContainsFunc(addresses, func(addr string) bool {
		d := c.difference(addr)
		return d.compare()
	})
}

// Prove compares the inventory with the additions, which is Old, with the import, which
// is New. It compares every address of the import, with and without a detail, and
// addresses that its domains do not list.
func (m *Merge) Prove(after mta.Build) (Proof, error) {
	c := m.beside(after)
	rows, err := c.Next.Rows()
	if err != nil {
		return Proof{}, err
	}
	for key := range mapfile.All(rows) {
		if key[0] != '@' {
			c.addresses(string(key))
		}
	}
	for i := range m.inv.Source.Inventory().Domains {
		domain := m.inv.Source.Inventory().Domains[i].Name
		c.addresses("@" + domain)
		c.addresses("++@" + domain)
	}
	for i := range c.Found {
		c.Found[i].Why = m.why(&c.Found[i])
	}
	return c.Proof, nil
}

// addresses compares the addresses of a key.
func (c *comparing) addresses(key string) {
	for _, addr := range examples(key) {
		c.address(addr, false)
	}
	if local, domain, _ := strings.Cut(key, "@"); local != "" && !strings.Contains(local, "+") {
		c.address(local+"+detail@"+domain, false)
	}
}

// why returns why the outcome of an address differs.
func (m *Merge) why(d *Difference) string {
	domain := d.Address[strings.LastIndexByte(d.Address, '@')+1:]
	row, closed := m.server.kind.RowOf(d.steps), m.closed(domain)
	switch {
	case row != "":
		return "the inventory has it by " + row + ", and is left as it is"
	case closed != "":
		return domain + closed + " in the inventory, and left as it is"
	}
	return "the inventory leaves it to the server's accounts and aliases"
}

// closed returns why nothing can be added to a domain, or an empty text.
func (m *Merge) closed(domain string) string {
	known, listed := m.have.Inventory().Domain(domain)
	switch {
	case !listed && m.have.Inventory().IsHostName(domain):
		return " is one of the server's own names"
	case !listed:
		return ""
	case !m.have.Inventory().Domains[known].Enabled:
		return " is not enabled"
	case m.have.Inventory().Domains[known].Backup:
		return " is a backup domain"
	}
	return ""
}

// line returns the line of a place in the imported inventory. The first line is 0.
func (m *Merge) line(pos diag.Pos) int {
	place, _ := m.inv.Source.Inventory().Sources.Place(pos)
	return place.Line - 1
}

// entry returns the lines of a key with the comments above. The lines of its value are
// indented deeper than the key.
func (m *Merge) entry(line int) inventory.Entry {
	e := inventory.Entry{Comments: m.comments(line)}
	first := m.lines[line]
	margin := len(first) - len(strings.TrimLeft(first, " "))
	lines := []string{first[margin:]}
	for _, more := range m.lines[line+1:] {
		if !strings.HasPrefix(more, first[:margin]+" ") {
			break
		}
		lines = append(lines, more[margin:])
	}
	e.Text = strings.Join(lines, "\n")
	return e
}

// comments returns the comments above a line.
func (m *Merge) comments(line int) (all []string) {
	for line--; line >= 0; line-- {
		comment := strings.TrimSpace(m.lines[line])
		if !strings.HasPrefix(comment, "#") || strings.HasPrefix(comment, notImported) {
			break
		}
		all = append(all, comment)
	}
	slices.Reverse(all)
	return all
}

// whole returns a domain with all its lines. A copy of a domain that the inventory has
// too gets its catch-all back in place of same_as.
func (m *Merge) whole(i int) inventory.Entry {
	d := &m.inv.Source.Inventory().Domains[i]
	e := m.entry(m.line(d.Pos))
	_, known := m.have.Inventory().Domain(d.SameAs.Text)
	if !known && !m.have.Inventory().IsHostName(d.SameAs.Text) {
		return e
	}
	lines := strings.Split(e.Text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, strings.TrimPrefix(sameAsKey, "  ")) {
			lines[i] = strings.TrimPrefix(catchAllKey, "  ") + ": " + m.inv.copies[d.Name]
		}
	}
	e.Text = strings.Join(lines, "\n")
	return e
}

// lead adds the users and the local aliases of a target that the inventory does not
// have.
func (m *Merge) lead(t inventory.Target) {
	model := m.inv.Source.Inventory()
	switch t.Kind {
	case inventory.ToUser:
		u := &model.Users[t.Index]
		if m.missing(u.Name.Text) {
			m.Additions.Users = append(m.Additions.Users, m.entry(m.line(u.Name.Pos)))
			m.lead(u.Forward)
		}
	case inventory.ToAlias:
		if name := model.LocalAliases[t.Index].Text; m.missing(name) {
			m.Additions.LocalAliases = append(m.Additions.LocalAliases, scalar(name))
		}
	case inventory.ToList:
		list := &model.Lists[t.Index]
		for _, member := range list.Members {
			m.lead(member)
		}
		m.lead(list.BouncesTo)
	}
}

// missing reports whether neither the inventory nor the additions have a name.
func (m *Merge) missing(name string) bool {
	_, user := m.have.Inventory().User(name)
	_, alias := m.have.Inventory().LocalAlias(name)
	was := m.names[name]
	m.names[name] = true
	return !user && !alias && !was
}

// Lines returns the comments about the parts that were left out.
func (inv *Inventory) Lines() (left []string) {
	for line := range strings.Lines(inv.Text) {
		line, isComment := strings.CutPrefix(strings.TrimSpace(line), "# ")
		if isComment && (strings.HasPrefix("# "+line, notImported) || strings.Contains(line, membersLeft)) {
			left = append(left, line)
		}
	}
	return left
}
