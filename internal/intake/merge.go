package intake

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A Merge is what an import adds to an inventory that is there.
type Merge struct {
	Additions inventory.Additions
	Added     int          // addresses, without those of whole domains
	Compared  int          // addresses of domains that both have
	Differ    []Difference // what both have, and differently: Old is the inventory's, New what was imported

	have    fileset.Source
	inv     *Inventory
	lines   []string // of the imported inventory
	names   map[string]bool
	reached struct{ have, inv *virtuser.Router }
}

// Into compares an import with an inventory that is there: what that has not is
// added, and what it has another way is only reported.
func (s *Server) Into(have fileset.Source, inv *Inventory) *Merge {
	m := &Merge{have: have, inv: inv, lines: strings.Split(inv.Text, "\n"), names: map[string]bool{}}
	m.Additions.Addresses = map[string][]inventory.Entry{}
	m.reached.have, m.reached.inv = have.Router(), s.beside(inv.Source)
	m.reached.have.Aliases = m.reached.have.Aliases.Before(s.site)
	account, imported := m.reached.have.Account, m.reached.inv.Account
	both := func(name string) bool { return account(name) || imported(name) }
	m.reached.have.Account, m.reached.inv.Account = both, both
	model := inv.Source.Model
	for i := range model.Domains {
		d := &model.Domains[i]
		_, known := have.Model.Domain(d.Name)
		switch {
		case known:
			m.domain(d)
		case have.Model.IsHostName(d.Name):
			m.differs("postmaster@"+d.Name, d.Name+" is one of the server's own names there")
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

// Empty reports whether there is nothing to add.
func (m *Merge) Empty() bool {
	return len(m.Additions.Addresses)+len(m.Additions.Domains) == 0
}

// domain adds the addresses that a domain has not.
func (m *Merge) domain(d *inventory.Domain) {
	for i := range d.Addresses {
		a := &d.Addresses[i]
		key := a.Local + "@" + d.Name
		addr, ok := firstExample(key)
		if !ok || m.same(addr) {
			continue
		}
		if _, listed := m.have.Compiled.Table.Get([]byte(key)); listed {
			m.differs(addr, "")
			continue
		}
		m.Additions.Addresses[d.Name] = append(m.Additions.Addresses[d.Name], m.entry(m.line(a.Pos)))
		m.lead(a.To)
		m.Added++
	}
	if addr, ok := firstExample("@" + d.Name); ok && !m.same(addr) {
		m.differs(addr, "the catch-all is left as it is")
	}
}

func firstExample(key string) (addr string, ok bool) {
	all := examples(key)
	if len(all) == 0 {
		return "", false
	}
	return all[0], true
}

func (m *Merge) same(addr string) bool {
	m.Compared++
	d := Difference{Old: m.reached.have.Route(addr), New: m.reached.inv.Route(addr)}
	return !d.compare()
}

func (m *Merge) differs(addr, why string) {
	m.Differ = append(m.Differ, Difference{Address: addr, Old: m.reached.have.Route(addr), New: m.reached.inv.Route(addr), Why: why})
}

// line is the line of a place of the imported inventory, from 0.
func (m *Merge) line(pos diag.Pos) int {
	place, _ := m.inv.Source.Model.Sources.Place(pos)
	return place.Line - 1
}

// entry is a line with the comments above it.
func (m *Merge) entry(line int) inventory.Entry {
	e := inventory.Entry{Text: strings.TrimSpace(m.lines[line])}
	for line--; line >= 0; line-- {
		comment := strings.TrimSpace(m.lines[line])
		if !strings.HasPrefix(comment, "#") || strings.HasPrefix(comment, notImported) {
			break
		}
		e.Comments = append(e.Comments, comment)
	}
	slices.Reverse(e.Comments)
	return e
}

// whole is a domain with all its lines.
func (m *Merge) whole(i int) inventory.Entry {
	first := m.line(m.inv.Source.Model.Domains[i].Pos)
	e := m.entry(first)
	lines := []string{e.Text}
	for _, line := range m.lines[first+1:] {
		if !strings.HasPrefix(line, "    ") {
			break
		}
		lines = append(lines, strings.TrimPrefix(line, "  "))
	}
	e.Text = strings.Join(lines, "\n")
	return e
}

// lead adds the users and the local aliases that a target leads to, where the
// inventory has neither of that name.
func (m *Merge) lead(t inventory.Target) {
	model := m.inv.Source.Model
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
		for _, member := range model.Lists[t.Index].Members {
			m.lead(member)
		}
	}
}

func (m *Merge) missing(name string) bool {
	_, user := m.have.Model.User(name)
	_, alias := m.have.Model.LocalAlias(name)
	was := m.names[name]
	m.names[name] = true
	return !user && !alias && !was
}

// Text gives the inventory with the additions, and makes sure that what it had
// means what it meant.
func (m *Merge) Text(name, text string) (string, error) {
	merged, err := inventory.Insert(text, m.Additions)
	if err != nil {
		return "", err
	}
	model, faults := inventory.Parse(name, merged)
	compiled := virtuser.Compile(model, faults)
	if faults.Failed() {
		return "", fmt.Errorf("with the additions it would have a fault: %s", firstError(faults))
	}
	after := fileset.Source{Model: model, Compiled: compiled}
	was, is := m.have.Compiled.Table, after.Compiled.Table
	for i := range was.Len() {
		key, right := was.Row(i)
		if now, ok := is.Get(key); !ok || string(now) != string(right) {
			return "", fmt.Errorf("with the additions %s would lead to %q, not to %q any more", key, now, right)
		}
	}
	return merged, nil
}

// Lines are the comments of what was not imported.
func (inv *Inventory) Lines() (left []string) {
	for line := range strings.Lines(inv.Text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, notImported) {
			left = append(left, strings.TrimPrefix(line, "# "))
		}
	}
	return left
}
