package importer

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// An Inventory is the inventory of an import.
type Inventory struct {
	Text   string
	Source mta.Build
	Left   int // number of rows, members of lists and names that are only comments

	Unnamed int // number of users that are still to be made accounts

	// Refused has a line about each row with a target that the server refuses
	// today. In the inventory it is a reject.
	Refused []string

	why    map[string]string // by key: why the outcome may differ
	copies map[string]string // by domain with same_as: the value of its only row

	// because gives the reasons of the server for another outcome; nil: none.
	because func(address string, old, next outcome.Outcome) string
}

// An entry is a row of the virtual addresses, or a line that the server does not read.
type entry struct {
	key, right string
	as         form
	why        string // why it has another form than asWritten
	at         uint32 // of a line that the server does not read: its place in the source; 0: not known
}

func (e *entry) domain() string { return e.key[strings.LastIndexByte(e.key, '@')+1:] }

// A form is the form of an entry in the inventory.
type form uint8

// The forms, in the order in which they are tried.
const (
	asWritten      form = iota
	withoutRefused      // a list without the members that are refused
	asAnswered          // a refusal with the server's answer
	asRecipient         // the one recipient to which the server sends the mail
	asRefused           // a refusal without a text
	asComment
)

// entries are the rows of the server, in their order, and after them the lines that the
// server does not read.
type entries struct {
	s    *Server
	as   []form         // by row
	why  map[int]string // by row: why it has another form than asWritten
	dead []entry        // lines that the server does not read

	fileless map[string]bool // users to whose files the server of the inventory cannot deliver
	apart    bool            // there are no defaults
	unshared map[string]bool // role addresses that are at fault in the defaults
}

func (all *entries) at(i int) entry {
	if i >= len(all.as) {
		return all.dead[i-len(all.as)]
	}
	key, right := all.s.rows.Row(i)
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
func (s *Server) Inventory(name string) (*Inventory, error) { return s.entries().withoutFaults(name) }

// ForMerge makes the inventory for Into. It has no defaults, because those of another
// inventory count there: each domain has its role addresses and its detail itself.
func (s *Server) ForMerge(name string) (*Inventory, error) {
	all := s.entries()
	all.apart = true
	return all.withoutFaults(name)
}

// withoutFaults writes the inventory until it has no fault.
func (all *entries) withoutFaults(name string) (*Inventory, error) {
	s := all.s
	for round := range rounds {
		inv := all.inventory()
		s.release()
		m, faults := inventory.Parse(name, inv.Text)
		debug.FreeOSMemory() // otherwise the memory of the writer stays
		inv.Source = s.kind.Compile(m, faults)
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
	inv := &Inventory{Text: text, Left: len(all.s.facts.Left) + len(all.dead), why: map[string]string{}, copies: w.copies, Unnamed: w.unnamed, because: all.s.Reason}
	for key, why := range all.s.lost() {
		inv.why[key] = "the row " + key + " was not imported: " + why
	}
	for i, as := range all.as {
		if as == asWritten {
			continue
		}
		e := all.at(i)
		if as == withoutRefused || as == asComment {
			inv.Left++
		}
		m := all.s.means(e)
		if out := all.s.outcome(e.key); out.ok && (as == asAnswered || as == asRefused) && !m.Refuses {
			inv.Refused = append(inv.Refused, fmt.Sprintf("%s: %s, and the inventory refuses it too; the row is %s", e.key, all.s.refusesToday(out.Outcome), Shorten(all.s.Shown(e.right))))
		}
		switch {
		case as == asComment:
			inv.why[e.key] = "the row " + e.key + " was not imported: " + e.why
		case m.Part:
			inv.why[e.key] = "the row " + e.key + " is written as what becomes of it without a detail"
		}
	}
	return inv
}

// lost returns the rows that the server reads and no inventory can have, with the reason by
// key. Those of which the key is that of another row are not among them.
func (s *Server) lost() map[string]string {
	all := map[string]string{}
	for _, d := range s.facts.Dead {
		if key := mailaddr.Lower(d.Key); d.Read && strings.Contains(key, "@") && !mta.HasRow(s.rows, key) {
			all[key] = d.Why
		}
	}
	return all
}

// refusesToday says how the server refuses mail for a row today.
func (s *Server) refusesToday(out outcome.Outcome) string {
	if out.Taken {
		return s.facts.Server + " takes its mail and returns it to the sender"
	}
	return fmt.Sprintf("%s refuses it today (%d %s %s)", s.facts.Server, out.Code, out.Status, out.Text)
}

// entries returns the entries with their first form. A row that the server never looks
// at is a comment.
func (s *Server) entries() *entries {
	var dead []entry
	for _, d := range s.facts.Dead {
		dead = append(dead, entry{key: d.Key, right: d.Value, as: asComment, why: d.Why, at: d.At})
	}
	slices.SortStableFunc(dead, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	all := &entries{s: s, as: make([]form, s.rows.Len()), why: map[int]string{}, dead: dead, fileless: map[string]bool{}, unshared: map[string]bool{}}
	for i := range all.as {
		e := all.at(i)
		switch why := s.Unused(e.key); {
		case why != "":
			all.write(i, asComment, why)
		case !isPrintable(e.key) || !isPrintable(e.right):
			s.lower(all, i, "it has more in it than printable characters")
		}
	}
	return all
}

// isPrintable reports whether a text has printable characters alone.
func isPrintable(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return diag.Printable(text) == text
		}
	}
	return true
}

// lower gives a row its next form. When the server refuses the mail, that is a refusal
// with its answer, and then one without a text. When the server takes it, that is the
// list without refused members, and then the only recipient. The last form is a
// comment.
func (s *Server) lower(all *entries, i int, why string) {
	e := all.at(i)
	m := s.means(e)
	out := s.outcome(e.key)
	switch {
	case !out.ok || e.as >= asRefused:
		all.write(i, asComment, why)
	case out.Taken:
		_, one := onlyRecipient(e.key, out)
		members, refused := s.splitRefused(m)
		switch {
		case len(members) == 0 && len(refused) > 0:
			all.write(i, asRefused, "every member is refused")
		case len(out.Recipients) == 0 && s.sameForAll(e.key):
			all.write(i, asRefused, s.facts.Server+" takes its mail and returns it to the sender")
		case e.as == asWritten && len(refused) > 0:
			all.write(i, withoutRefused, "members are refused")
		case e.as <= withoutRefused && one:
			all.write(i, asRecipient, "that is where "+s.facts.Server+" sends it")
		default:
			all.write(i, asComment, why)
		}
	case !s.sameForAll(e.key):
		all.write(i, asComment, why)
	case e.as == asWritten && !m.Refuses:
		all.write(i, asAnswered, s.answered(e.right))
	default:
		all.write(i, asRefused, why)
	}
}

// answered returns why a row has the form asAnswered.
func (s *Server) answered(right string) string {
	if remark := s.Remark(right); remark != "" {
		return s.facts.Server + " answers so: " + remark
	}
	return s.facts.Server + " answers so"
}

// sameForAll reports whether the row of a key refuses every name that it matches.
func (s *Server) sameForAll(key string) bool {
	at := strings.IndexByte(key, '@')
	if at > 0 && key[0] != '+' {
		return true
	}
	for _, local := range []string{"root", "postmaster", "abuse"} {
		for _, detail := range []string{"", "+", "+detail"} {
			addr := local + detail + key[at:]
			if out, steps := s.Route(addr); s.RowOf(addr, steps) == key && out.Taken {
				return false
			}
		}
	}
	return true
}

// membersLeft is the comment about the members of a list that are left out.
const membersLeft = " the members that are refused are not imported: "

// onlyRecipient returns the only recipient in the outcome of a key. ok is false for a key
// that matches several addresses, and when the mail passes an alias.
func onlyRecipient(key string, out decided) (to string, ok bool) {
	if key[0] == '@' || strings.Contains(key, "+") || len(out.Recipients) != 1 || out.aliased {
		return "", false
	}
	to = out.Recipients[0]
	if !strings.ContainsAny(to, "@/|") {
		to, _, _ = strings.Cut(to, "+") // the detail of an account, whose mailbox it is
	}
	return to, true
}
