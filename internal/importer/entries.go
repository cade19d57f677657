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

// An Inventory is the inventory of an import.
type Inventory struct {
	Text   string
	Source sendmail.Build
	Left   int // number of rows, members of lists and names that are only comments

	// Refused has a line about each row with a target that sendmail refuses
	// today. In the inventory it is a reject.
	Refused []string

	why    map[string]string // by key: why the outcome may differ
	copies map[string]string // by domain with same_as: the value of its only row

	virtual func(domain string) bool // whether a domain was only in class {VirtHost}
}

// An entry is a row of the virtusertable, or a line of its text.
type entry struct {
	key, right string
	as         form
	why        string // why it has another form than asWritten
}

func (e *entry) domain() string { return e.key[strings.LastIndexByte(e.key, '@')+1:] }

// A form is the form of an entry in the inventory.
type form uint8

// The forms, in the order in which they are tried.

const (
	asWritten      form = iota
	withoutRefused      // a list without the members that are refused
	asAnswered          // a refusal with sendmail's answer
	asRecipient         // the one recipient to which sendmail sends the mail
	asRefused           // a refusal without a text
	asComment
)

// entries are the rows of the table, in its order, and after them the lines of the
// text that sendmail does not read.
type entries struct {
	s    *Server
	as   []form         // by row
	why  map[int]string // by row: why it has another form than asWritten
	dead []entry        // lines that sendmail does not read
}

func (all *entries) at(i int) entry {
	if i >= len(all.as) {
		return all.dead[i-len(all.as)]
	}
	key, right := all.s.table.Row(i)
	return entry{key: string(key), right: strings.TrimSpace(string(right)), as: all.as[i], why: all.why[i]}
}

func (all *entries) write(i int, as form, why string) { all.as[i], all.why[i] = as, why }

// rounds is how often an inventory is written until it has no fault. After patience
// rounds all lists of lists become something else at once, because each round finds
// only one link of a long chain of lists.
const (
	rounds   = 20
	patience = 10
)

// Inventory makes the inventory. name is the file name in its messages.
func (s *Server) Inventory(name string) (*Inventory, error) {
	all := s.entries()
	for round := range rounds {
		inv := all.inventory()
		s.release()
		m, faults := inventory.Parse(name, inv.Text)
		debug.FreeOSMemory() // otherwise the memory of the writer stays
		inv.Source = sendmail.Compile(m, faults)
		if !faults.Failed() {
			return inv, nil
		}
		if err := s.readRows(); err != nil {
			return nil, err
		}
		w := &writer{s: s, entries: all}
		w.text() // again, for the line of each row: to keep them all along needs a tenth of the memory
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

// inventory writes the inventory, without its Source.
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

// entries returns the entries with their first form. A row that sendmail never looks
// up is a comment.
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

// degrade gives the entries with faults their next form, and reports whether there
// are such entries.
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

// lowerNested gives every list with a member at a domain of the server its next form.
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

// lower gives a row its next form. When sendmail refuses the mail, that is a refusal
// with sendmail's answer, and then one without a text. When sendmail takes it, that is
// the list without refused members, and then the only recipient. The last form is a
// comment.
func (s *Server) lower(all *entries, i int, why string) {
	e := all.at(i)
	out, ok := s.outcome(e.key)
	switch {
	case !ok || e.as >= asRefused:
		all.write(i, asComment, why)
	case out.Taken():
		_, one := s.onlyRecipient(e.key)
		members, _, refused := s.splitRefused(e.right)
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

// answered returns why a row has the form asAnswered.
func answered(right string) string {
	if strings.ContainsRune(right, '#') {
		return "sendmail answers so: the # begins no comment there"
	}
	return "sendmail answers so"
}

// sameForAll reports whether the row of a key refuses every name that it matches.
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

// membersLeft is the comment about the members of a list that are left out.
const membersLeft = " the members that are refused are not imported: "

// splitRefused divides the members of a list into those that accept mail and those
// that refuse it. owner gets the bounces of the list.
func (s *Server) splitRefused(right string) (members []string, owner string, refused []string) {
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

// refuses reports whether a member is an address of the server that it refuses, or a
// list of only such addresses.
func (s *Server) refuses(member string) bool {
	_, domain, _ := strings.Cut(mailaddr.Lower(member), "@")
	if !s.taken(strings.TrimSuffix(domain, ".")) {
		return false
	}
	out := s.router.Route(member)
	return !out.Taken() || len(out.Recipients) == 0
}

// onlyRecipient returns the only recipient of a key. ok is false for a key that
// matches several addresses, and when the mail passes an alias.
func (s *Server) onlyRecipient(key string) (to string, ok bool) {
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
