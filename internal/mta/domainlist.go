package mta

import (
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
)

// Domains returns the domains in a text of a file with the role Served or Relayed, as
// A-labels: its lines, or the keys of its rows.
func (f File) Domains(text []byte) (names []string) {
	if f.Lines != nil {
		return f.Lines(text)
	}
	for key := range mapfile.All(f.Rows(text)) {
		name := string(mapfile.WithoutNUL(key))
		if folded, problem := mailaddr.FoldDomain(name); problem == nil {
			name = folded
		}
		names = append(names, name)
	}
	return names
}
