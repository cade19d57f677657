package intake

import (
	"regexp"
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

// Prove asks about the address of every row, with a detail and with a letter
// behind it, and at every domain about names that are not listed. The server's
// own aliases and accounts are the same on both sides.
func (s *Server) Prove(inv *Inventory) Proof {
	next, table := s.beside(inv.Source), inv.Source.Compiled.Table
	domains := slices.Concat(s.names, inv.Source.Names(), []string{s.router.Host})
	slices.Sort(domains)
	domains = slices.Compact(domains)
	var p Proof
	s.ask(&p, next, s.table.Len(), func(i int, ask func(addr string)) {
		key, _ := s.table.Row(i)
		s.near(string(key), ask)
	})
	s.ask(&p, next, table.Len(), func(i int, ask func(addr string)) {
		if key, _ := table.Row(i); !s.hasRow(string(key)) {
			s.near(string(key), ask)
		}
	})
	s.ask(&p, next, len(domains), func(i int, ask func(addr string)) {
		for _, local := range unlisted {
			key := local + "@" + domains[i]
			if _, listed := table.Get([]byte(key)); !listed && !s.hasRow(key) {
				s.near(key, ask)
			}
		}
	})
	for i := range p.Found {
		p.Found[i].Why = inv.reason(&p.Found[i])
	}
	slices.SortFunc(p.Found, func(a, b Difference) int { return virtuser.CompareKeys([]byte(a.Address), []byte(b.Address)) })
	return p
}

// leastAsked is how many rows are worth a processor of their own.
const leastAsked = 1000

// ask asks about the addresses of n things.
func (s *Server) ask(p *Proof, next *virtuser.Router, n int, addresses func(i int, ask func(addr string))) {
	parts := make([]Proof, parallel.Parts(n, leastAsked))
	_ = parallel.Ranges(n, leastAsked, func(part, from, to int) error {
		mine := &parts[part]
		for i := from; i < to; i++ {
			addresses(i, func(addr string) {
				mine.Asked++
				if d, differs := s.differ(next, addr); differs {
					mine.Found = append(mine.Found, d)
				}
			})
		}
		return nil
	})
	for i := range parts {
		p.Asked += parts[i].Asked
		p.Found = append(p.Found, parts[i].Found...)
	}
}

func (s *Server) hasRow(key string) bool {
	_, ok := s.table.Get([]byte(key))
	return ok
}

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
	d.Harmless = d.Old.Text != d.New.Text
	return d, d.Harmless
}

// inBrackets is what sendmail takes for a comment in a text without quotes.
var inBrackets = regexp.MustCompile(`\([^()]*\)`)

func blankless(text string) string { return strings.ReplaceAll(text, " ", "") }

// reason says why an outcome differs.
func (inv *Inventory) reason(d *Difference) string {
	key := d.Old.Row()
	switch why := inv.why[key]; {
	case why != "":
		return "the row " + key + " was not imported: " + why
	case d.Harmless && blankless(d.Old.Text) == blankless(d.New.Text):
		return "sendmail takes blanks out of a text without quotes; it is whole now"
	case d.Harmless && blankless(d.Old.Text) == blankless(inBrackets.ReplaceAllString(d.New.Text, "")):
		return "sendmail takes what stands in ( ) out of a text without quotes; it is whole now"
	case d.Harmless:
		return "no inventory can have the old text"
	case d.Old.Code == d.New.Code && d.Old.Status[0] != byte('0'+d.Old.Code/100):
		return "the status agrees with the reply code now"
	}
	return ""
}

// unlisted are keys that a domain may not list.
var unlisted = []string{"", "+*", "++", "root", "postmaster", "abuse"}

// near asks about the addresses of a key and near misses.
func (s *Server) near(key string, ask func(addr string)) {
	for _, addr := range examples(key) {
		ask(addr)
	}
	local, domain, _ := strings.Cut(key, "@")
	if local == "" || strings.Contains(local, "+") {
		return
	}
	ask(local + "+detail@" + domain)
	if miss := local + "q@" + domain; !s.hasRow(miss) {
		ask(miss)
	}
}

// Harmless reports whether no more than texts of refusals differ.
func (p *Proof) Harmless() bool {
	return !slices.ContainsFunc(p.Found, func(d Difference) bool { return !d.Harmless })
}
