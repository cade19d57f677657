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

// An Inventory is what was made.
type Inventory struct {
	Text   string
	Source fileset.Source
	Left   int // rows and names that are kept as comments only

	why map[string]string // of rows that are left, by key
}

// An entry is a row of the virtusertable.
type entry struct {
	key, right string
	as         form
	why        string // it is not as it was written
}

func (e *entry) domain() string { return e.key[strings.LastIndexByte(e.key, '@')+1:] }

// A form is how an entry is written.
type form uint8

const (
	asWritten  form = iota
	asAnswered      // as what sendmail answers now
	asRefused       // as a refusal with no text
	asComment
)

// noAddress is why a key is never looked up.
const noAddress = "it is no virtual address: there is no @ in it"

// rounds bounds how often what no inventory can say is taken out.
const rounds = 20

// Inventory writes the inventory. name is what its messages call it.
func (s *Server) Inventory(name string) (*Inventory, error) {
	entries := s.entries()
	for range rounds {
		w := &writer{s: s, entries: entries}
		text := w.text()
		m, faults := inventory.Parse(name, text)
		compiled := virtuser.Compile(m, faults)
		if !faults.Failed() {
			return s.finished(text, fileset.Source{Model: m, Compiled: compiled}, entries), nil
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

func (s *Server) finished(text string, source fileset.Source, entries []entry) *Inventory {
	inv := &Inventory{Text: text, Source: source, Left: len(s.odd), why: map[string]string{}}
	for i := range entries {
		if e := &entries[i]; e.as == asComment {
			inv.Left++
			if i < s.table.Len() {
				inv.why[e.key] = e.why
			}
		}
	}
	return inv
}

// entries are the rows, those that sendmail never looks at as comments, and
// the lines of the text that it does not read.
func (s *Server) entries() []entry {
	entries := make([]entry, 0, s.table.Len()+len(s.lines.dead))
	for i := range s.table.Len() {
		key, right := s.table.Row(i)
		e := entry{key: string(key), right: string(right)}
		switch domain := e.domain(); {
		case domain == e.key:
			e.as, e.why = asComment, noAddress
		case !s.taken(domain):
			e.as, e.why = asComment, domain+" is not in class w, so that the row is never looked at"
		case diag.Printable(e.key+e.right) != e.key+e.right:
			s.lower(&e, "it has more in it than printable characters")
		}
		entries = append(entries, e)
	}
	dead := slices.Clone(s.lines.dead)
	slices.SortStableFunc(dead, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return append(entries, dead...)
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
			i, known := w.of[place.Line]
			if !ok || !known {
				continue
			}
			if !lowered[i] {
				w.s.lower(&w.entries[i], f.Text)
			}
			lowered[i], changed = true, true
			break
		}
	}
	return changed
}

// lower writes an entry as what sendmail answers, where it refuses the mail, or
// as a refusal without that text, and as a comment otherwise.
func (s *Server) lower(e *entry, why string) {
	out, ok := s.outcome(e.key)
	switch {
	case !ok || out.Taken() || e.as >= asRefused:
		e.as, e.why = asComment, why
	case e.as == asWritten && !isError(e.right):
		e.as, e.why = asAnswered, "sendmail answers so"
	default:
		e.as, e.why = asRefused, why
	}
}
