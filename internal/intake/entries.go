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
	Left   int // rows that are kept as comments only

	why map[string]string // of rows that are not as they were written, by key
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
			return finished(text, fileset.Source{Model: m, Compiled: compiled}, entries), nil
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

func finished(text string, source fileset.Source, entries []entry) *Inventory {
	inv := &Inventory{Text: text, Source: source, why: map[string]string{}}
	for i := range entries {
		e := &entries[i]
		if e.as == asComment {
			inv.Left++
		}
		if e.why != "" {
			inv.why[e.key] = e.why
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
		case !s.taken(domain) || strings.HasSuffix(domain, "."):
			e.as, e.why = asComment, domain+" is not in class w, so that the row is never looked at"
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
	before := map[int]form{}
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
			e := &w.entries[i]
			if _, twice := before[i]; !twice {
				before[i] = e.as
				w.lower(e, f.Text)
			}
			changed = true
			break
		}
	}
	return changed
}

// lower writes an entry as what sendmail answers, where it refuses the mail,
// and as a comment otherwise.
func (w *writer) lower(e *entry, why string) {
	if out := w.s.router.Route(example(e.key)); e.as == asWritten && !out.Taken() {
		e.as, e.why = asAnswered, "sendmail answers so"
		return
	}
	e.as, e.why = asComment, why
}
