package importer

import (
	"strings"

	"virtmap/internal/mailaddr"
)

// mostCopied is the most rows that copies may add to a table. Beyond that, a domain
// that leads to another one has one row.
var mostCopied = 1_000_000

// sameAs returns the source of a domain that can be a copy. Its only row leads each name
// to the same name at the source, and a copy has the same outcomes.
func (w *writer) sameAs(name string) (source string, ok bool) {
	source, kept, ok := w.leads(name)
	if !ok {
		return "", false
	}
	end, ok := w.endOf(name, source)
	if !ok {
		return "", false
	}
	d := w.sections[end]
	rows := d.to - d.from
	if w.copied+rows > mostCopied || !w.equal(d, kept) {
		return "", false
	}
	w.copied += rows
	return source, true
}

// leads returns the domain to which the only row of a domain leads its names. kept
// reports whether they keep their details.
func (w *writer) leads(name string) (source string, kept, ok bool) {
	d := w.sections[name]
	if d.to-d.from != 1 {
		return "", false, false
	}
	e := w.entries.at(d.from)
	m := w.s.means(e)
	source = strings.TrimSuffix(mailaddr.Lower(m.Domain), ".")
	return source, m.Keeps, m.Same && e.as == asWritten && w.writes(source) && !w.s.Relays(source)
}

// endOf follows copies of copies to a domain that is no copy. ok is false when they
// lead in a circle.
func (w *writer) endOf(name, source string) (end string, ok bool) {
	seen := map[string]bool{name: true}
	for !seen[source] {
		seen[source] = true
		next, _, ok := w.leads(source)
		if !ok {
			return source, true
		}
		source = next
	}
	return "", false
}

// equal reports whether the rows of a domain have the same outcomes in a copy of it.
// When names lose their details, the rows must not depend on them.
func (w *writer) equal(d section, kept bool) bool {
	open := true
	for i := d.from; i < d.to; i++ {
		e := w.entries.at(i)
		if e.as == asComment {
			continue
		}
		if m := w.s.means(e); m.Whole || !kept && (strings.Contains(e.key, "+") || m.Part) {
			return false
		}
		open = open && e.key[0] != '@'
	}
	return kept || !open
}
