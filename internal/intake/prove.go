package intake

import (
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/parallel"
	"virtmap/virtuser"
)

// A Difference is an address whose mail has another fate.
type Difference struct {
	Address  string
	Old, New virtuser.Outcome
	Why      string // empty: it is not known
	Harmless bool   // only the text of a refusal is another
}

// A Proof says what becomes of every address by the old files and the new.
type Proof struct {
	Asked int
	Found []Difference // sorted by domain
}

// Prove asks about the address of every row, with a detail behind it and with
// a letter less, and at every domain about names that are not listed. The
// server's own aliases and accounts are the same on both sides.
func (s *Server) Prove(inv *Inventory) Proof {
	next := s.beside(inv.Source)
	asked := s.addresses(inv.Source)
	found := make([][]Difference, parallel.Parts(len(asked), leastAsked))
	_ = parallel.Ranges(len(asked), leastAsked, func(part, from, to int) error {
		for _, addr := range asked[from:to] {
			if d, differs := s.differ(next, addr); differs {
				d.Why = cmp.Or(d.Why, inv.reason(&d))
				found[part] = append(found[part], d)
			}
		}
		return nil
	})
	p := Proof{Asked: len(asked)}
	for _, some := range found {
		p.Found = append(p.Found, some...)
	}
	return p
}

// leastAsked is how many addresses are worth a processor of their own.
const leastAsked = 1000

// beside is the Router of an inventory on this server: its aliases before those
// of the server that stay.
func (s *Server) beside(source fileset.Source) *virtuser.Router {
	next := *source.Router()
	ours := next.Aliases
	next.Aliases = func(key []byte) ([]byte, bool, error) {
		if value, ok, err := ours(key); ok || err != nil || s.site == nil {
			return value, ok, err
		}
		return s.site(key)
	}
	next.Account = s.router.Account
	return next.Ready()
}

// differ asks both sides about an address.
func (s *Server) differ(next *virtuser.Router, addr string) (d Difference, differs bool) {
	d = Difference{Address: addr, Old: s.router.Route(addr), New: next.Route(addr)}
	switch {
	case d.Old.Taken() != d.New.Taken():
		return d, true
	case d.Old.Taken():
		return d, !slices.Equal(d.Old.Recipients, d.New.Recipients)
	case d.Old.Code != d.New.Code || d.Old.Status != d.New.Status:
		return d, true
	}
	if d.Harmless = d.Old.Text != d.New.Text; d.Harmless && blankless(d.Old.Text) == blankless(d.New.Text) {
		d.Why = "sendmail takes blanks out of a text without quotes; it is whole now"
	} else if d.Harmless && strings.HasPrefix(blankless(d.New.Text), blankless(d.Old.Text)) {
		d.Why = "sendmail takes what stands in ( ) out of a text without quotes; it is whole now"
	}
	return d, d.Harmless
}

func blankless(text string) string { return strings.ReplaceAll(text, " ", "") }

// reason says why an outcome differs: one of the rows that were tried is not
// in the inventory as it was written.
func (inv *Inventory) reason(d *Difference) string {
	for _, step := range d.Old.Trace {
		if why := inv.why[step.Key]; step.Hit && step.Map == "virtusertable" && why != "" {
			return "the row " + step.Key + " was not imported: " + why
		}
	}
	return ""
}

// addresses are those that are asked about, in the order of the rows.
func (s *Server) addresses(source fileset.Source) []string {
	var all []string
	have := map[string]bool{}
	add := func(addr string) {
		if !have[addr] {
			have[addr] = true
			all = append(all, addr)
		}
	}
	for _, table := range []*virtuser.Table{s.table, source.Compiled.Table} {
		for i := range table.Len() {
			key, _ := table.Row(i)
			near(string(key), add)
		}
	}
	domains := slices.Concat(s.names, source.Names(), []string{s.router.Host})
	slices.Sort(domains)
	for _, domain := range slices.Compact(domains) {
		for _, local := range unlisted {
			add(local + "@" + domain)
		}
	}
	return all
}

// unlisted are local parts that most domains do not list.
var unlisted = []string{"virtmap-nobody", "virtmap-nobody+detail", "root", "root+detail", "postmaster", "abuse"}

// near adds the address of a key and its near misses.
func near(key string, add func(addr string)) {
	addr := example(key)
	add(addr)
	local, domain, _ := strings.Cut(addr, "@")
	if key[0] == '@' || strings.Contains(local, "+") {
		return
	}
	add(local + "+detail@" + domain)
	if len(local) > 1 {
		add(local[:len(local)-1] + "@" + domain)
	}
}

// Harmless reports whether no more than texts of refusals differ.
func (p *Proof) Harmless() bool {
	return !slices.ContainsFunc(p.Found, func(d Difference) bool { return !d.Harmless })
}
