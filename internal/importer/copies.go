package importer

import (
	"strings"

	"virtmap/internal/mailaddr"
)

// mostCopied bounds the rows that copies add to a table: a large domain under
// many other names is better one row for each.
var mostCopied = 1_000_000

// sameAs gives the domain that another is a copy of: its only row leads each
// name to the same name there, and the copy has the same outcomes.
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

// leads gives where the only row of a domain leads its names, with their details
// or without.
func (w *writer) leads(name string) (source string, kept, ok bool) {
	d := w.sections[name]
	if d.to-d.from != 1 {
		return "", false, false
	}
	e := w.entries.at(d.from)
	source, kept, ok = sameAt(e.key, e.right)
	source = strings.TrimSuffix(mailaddr.Lower(source), ".")
	return source, kept, ok && e.as == asWritten && w.writes(source) && !w.s.relayed(source)
}

// endOf follows copies of copies to a domain that is none; ok is false where
// they run in a circle.
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

// equal reports whether rows have the same outcomes for the names of another
// domain. Where names come without their details, those must make no difference.
func (w *writer) equal(d section, kept bool) bool {
	open := true
	for i := d.from; i < d.to; i++ {
		e := w.entries.at(i)
		if e.as == asComment {
			continue
		}
		if strings.Contains(e.right, "%0") || !kept && (strings.Contains(e.key, "+") || strings.Contains(e.right, "%")) {
			return false
		}
		open = open && e.key[0] != '@'
	}
	return kept || !open
}
