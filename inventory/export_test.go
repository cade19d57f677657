package inventory

import "virtmap/internal/diag"

// ParsePlainly and ParseOrdinarily are Parse with and without leaving plain
// blocks out and sharing the domains among the processors, whatever the size;
// plain says whether there were any.
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
