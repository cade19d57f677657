package inventory

import "virtmap/internal/diag"

// ParsePlainly and ParseOrdinarily are Parse for tests. ParsePlainly leaves plain
// blocks out and shares the domains among the processors, whatever their size;
// ParseOrdinarily does neither. plain reports whether there were plain blocks.
func ParsePlainly(text string) (m *Model, faults *diag.List, plain bool) {
	r := newReader()
	r.plainFrom, r.leastDomains = 0, 1
	m, faults = r.parse("mail.yaml", text)
	return m, faults, len(r.plain) > 0
}

func ParseOrdinarily(text string) (*Model, *diag.List) {
	r := newReader()
	r.ordinary = true
	return r.parse("mail.yaml", text)
}
