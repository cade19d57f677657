package importer

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An Inventory is what was made.
type Inventory struct {
	Text   string
	Source sendmail.Build
	Left   int // rows, members of lists and names that are kept as comments only

	// Refused are the rows that lead somewhere and that sendmail refuses today, a
	// line each: they are refusals of the inventory.
	Refused []string

	why    map[string]string // their outcome may differ, by key
	copies map[string]string // what the only row of a domain says that is the same as another

	virtual func(domain string) bool // it was taken for class {VirtHost} alone
}

// An entry is a row of the virtusertable, or a line of its text.
type entry struct {
	key, right string
	as         form
	why        string // it is not as it was written
}

func (e *entry) domain() string { return e.key[strings.LastIndexByte(e.key, '@')+1:] }

// A form is how an entry is written.
type form uint8

const (
	asWritten      form = iota
	withoutRefused      // as a list without the members that are refused
	asAnswered          // as what sendmail answers now
	asRecipient         // as the one recipient that sendmail finds now
	asRefused           // as a refusal with no text
	asComment
)

// entries are the rows of the table, in its order, and behind them the lines of
// the text that sendmail does not read.
type entries struct {
	s    *Server
	as   []form         // of the rows
	why  map[int]string // of those that are not as they were written
	dead []entry
}

func (all *entries) at(i int) entry {
	if i >= len(all.as) {
		return all.dead[i-len(all.as)]
	}
	key, right := all.s.table.Row(i)
	return entry{key: string(key), right: strings.TrimSpace(string(right)), as: all.as[i], why: all.why[i]}
}

func (all *entries) write(i int, as form, why string) { all.as[i], all.why[i] = as, why }

// rounds bounds how often what no inventory can say is taken out. After patience
// of them lists of lists go all at once: each round finds one link of a long chain.
const (
	rounds   = 20
	patience = 10
)

// Inventory writes the inventory. name is what its messages call it.
func (s *Server) Inventory(name string) (*Inventory, error) {
	all := s.entries()
	for round := range rounds {
		inv := all.inventory()
		s.letGo()
		m, faults := inventory.Parse(name, inv.Text)
		debug.FreeOSMemory() // what was written with stays otherwise
		inv.Source = sendmail.Compile(m, faults)
		if !faults.Failed() {
			return inv, nil
		}
		if err := s.readRows(); err != nil {
			return nil, err
		}
		w := &writer{s: s, entries: all}
		w.text() // again: what line each row is on would be a tenth of the memory until here
		if round >= patience {
			w.lowerNested()
		}
		if !w.degrade(m, faults) {
			return nil, fmt.Errorf("the inventory would have a fault that is of no row: %s", firstError(faults))
		}
	}
	return nil, fmt.Errorf("after %d rounds there are still rows that contradict each other", rounds)
}

func firstError(faults *diag.List) string {
	for _, f := range faults.Faults() {
		if faults.Severity(f.Check) == diag.Error {
			return f.Text
		}
	}
	return ""
}

// inventory is what was written, before it is read.
func (all *entries) inventory() *Inventory {
	w := &writer{s: all.s, entries: all}
	text := w.text()
	inv := &Inventory{Text: text, Left: len(all.s.unsupported) + len(all.dead), why: map[string]string{}, copies: w.copies, virtual: all.s.onlyVirtual}
	for i, as := range all.as {
		if as == asWritten {
			continue
		}
		e := all.at(i)
		if as == withoutRefused || as == asComment {
			inv.Left++
		}
		if out, ok := all.s.outcome(e.key); ok && (as == asAnswered || as == asRefused) && !isError(e.right) {
			how := fmt.Sprintf("sendmail refuses it today (%d %s %s)", out.Code, out.Status, out.Text)
			if out.Taken() {
				how = "sendmail takes it and refuses every member of the list"
			}
			inv.Refused = append(inv.Refused, fmt.Sprintf("%s: %s, and the inventory refuses it too; the row is %s", e.key, how, all.s.shown(e.right)))
		}
		switch {
		case as == asComment:
			inv.why[e.key] = "the row " + e.key + " was not imported: " + e.why
		case strings.Contains(e.right, "%"):
			inv.why[e.key] = "the row " + e.key + " is written as what becomes of it without a detail"
		}
	}
	return inv
}

// entries says of each row how it is written at first: those that sendmail
// never looks at as comments.
func (s *Server) entries() *entries {
	dead := slices.Clone(s.lines.dead)
	slices.SortStableFunc(dead, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	all := &entries{s: s, as: make([]form, s.table.Len()), why: map[int]string{}, dead: dead}
	for i := range all.as {
		e := all.at(i)
		domain := e.domain()
		why := unsayable(domain)
		switch {
		case domain == "":
			all.write(i, asComment, "there is no domain behind the @")
		case e.key[0] == '@' && domain != e.key[1:]:
			all.write(i, asComment, "there is more than one @ in it")
		case domain[0] == '[':
			all.write(i, asComment, domain+" is an address, and not a domain")
		case why != "" && s.taken(domain):
			all.write(i, asComment, "sendmail looks it up, and no inventory can have it: "+why)
		case s.router.Rewrites(domain):
			all.write(i, asComment, fmt.Sprintf("sendmail rewrites %s to %s before it looks at the virtusertable, so that the row is never looked at", domain, s.router.Host))
		case !s.taken(domain):
			all.write(i, asComment, domain+" is not in class w, so that the row is never looked at")
		case diag.Printable(e.key+e.right) != e.key+e.right:
			s.lower(all, i, "it has more in it than printable characters")
		}
	}
	return all
}

// degrade says in another way what the faults are about, and reports whether
// there was something.
func (w *writer) degrade(m *inventory.Model, faults *diag.List) (changed bool) {
	lowered := map[int]bool{}
	for _, f := range faults.Faults() {
		if faults.Severity(f.Check) != diag.Error {
			continue
		}
		for _, pos := range []diag.Pos{f.Pos, f.Also} {
			place, ok := m.Sources.Place(pos)
			if !ok {
				continue
			}
			i, known := w.of(place.Line)
			if !known {
				continue
			}
			if !lowered[i] {
				w.s.lower(w.entries, i, f.Text)
			}
			lowered[i], changed = true, true
			break
		}
	}
	return changed || w.dropDomains(m, faults)
}

// dropDomains leaves the rows of domains out that are at fault themselves, and
// reports whether there were any.
func (w *writer) dropDomains(m *inventory.Model, faults *diag.List) (changed bool) {
	for _, f := range faults.Faults() {
		at := slices.IndexFunc(m.Domains, func(d inventory.Domain) bool { return d.Pos == f.Pos })
		if at < 0 || faults.Severity(f.Check) != diag.Error {
			continue
		}
		for i := range w.entries.as {
			if e := w.entries.at(i); e.as != asComment && e.domain() == m.Domains[at].Name {
				w.entries.write(i, asComment, f.Text)
				changed = true
			}
		}
	}
	return changed
}

// lowerNested lowers every list with a member at a domain of the server.
func (w *writer) lowerNested() {
	for i, as := range w.entries.as {
		if as == asComment {
			continue
		}
		members, _, ok := w.s.list(w.entries.at(i).right)
		nested := ok && slices.ContainsFunc(members, func(member string) bool {
			_, domain, _ := strings.Cut(mailaddr.Lower(member), "@")
			return domain != "" && w.s.taken(domain)
		})
		if nested {
			w.s.lower(w.entries, i, "it is one of many lists that lead to each other; name the users themselves")
		}
	}
}

// lower writes a row as what sendmail answers, where it refuses the mail, or as
// a refusal without that text; a list without what is refused in it; as the
// recipient, where there is one; and as a comment otherwise.
func (s *Server) lower(all *entries, i int, why string) {
	e := all.at(i)
	out, ok := s.outcome(e.key)
	switch {
	case !ok || e.as >= asRefused:
		all.write(i, asComment, why)
	case out.Taken():
		_, one := s.reached(e.key)
		members, _, refused := s.living(e.right)
		switch {
		case len(members) == 0 && len(refused) > 0:
			all.write(i, asRefused, "every member is refused")
		case e.as == asWritten && len(refused) > 0:
			all.write(i, withoutRefused, "of "+e.key+membersLeft+strings.Join(refused, ", "))
		case e.as <= withoutRefused && one:
			all.write(i, asRecipient, "that is where sendmail sends it")
		default:
			all.write(i, asComment, why)
		}
	case !s.sameForAll(e.key):
		all.write(i, asComment, why)
	case e.as == asWritten && !isError(e.right):
		all.write(i, asAnswered, answered(e.right))
	default:
		all.write(i, asRefused, why)
	}
}

// answered says why a row is written as an answer.
func answered(right string) string {
	if strings.ContainsRune(right, '#') {
		return "sendmail answers so: the # begins no comment there"
	}
	return "sendmail answers so"
}

// sameForAll reports whether a row for every name refuses each of them.
func (s *Server) sameForAll(key string) bool {
	at := strings.IndexByte(key, '@')
	if at > 0 && key[0] != '+' {
		return true
	}
	for _, local := range []string{"root", "postmaster", "abuse"} {
		for _, detail := range []string{"", "+", "+detail"} {
			if out := s.router.Route(local + detail + key[at:]); out.Row() == key && out.Taken() {
				return false
			}
		}
	}
	return true
}

// membersLeft is said of the members of a list that are left out.
const membersLeft = " the members that are refused are not imported: "

// living tells the members of a list that take mail from those at which it is
// refused. owner is who is told of failures.
func (s *Server) living(right string) (members []string, owner string, refused []string) {
	all, owner, _ := s.list(right)
	for _, member := range all {
		if s.refuses(member) {
			refused = append(refused, member)
		} else {
			members = append(members, member)
		}
	}
	return members, owner, refused
}

// refuses reports whether an address is one of the server's that it refuses, or
// a list with nobody else in it.
func (s *Server) refuses(member string) bool {
	_, domain, _ := strings.Cut(mailaddr.Lower(member), "@")
	if !s.taken(strings.TrimSuffix(domain, ".")) {
		return false
	}
	out := s.router.Route(member)
	return !out.Taken() || len(out.Recipients) == 0
}

// reached gives the recipient of a key that is one address, where that is not
// made of the address and has no alias on its way.
func (s *Server) reached(key string) (to string, ok bool) {
	if key[0] == '@' || strings.Contains(key, "+") {
		return "", false
	}
	out, _ := s.outcome(key)
	aliased := slices.ContainsFunc(out.Trace, func(step outcome.Step) bool { return step.Table == "aliases" && step.Hit })
	if len(out.Recipients) != 1 || aliased {
		return "", false
	}
	return out.Recipients[0], true
}
