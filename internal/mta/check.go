package mta

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// CheckMap adds a fault if host.map of an inventory is none of the types that a server
// can read. types are the Maps of the server.
func CheckMap(m *inventory.Model, types []string, faults *diag.List) {
	typ, pos := string(m.Host.Map), m.Host.MapPos
	if !slices.Contains(types, typ) {
		faults.Add(inventory.CheckValue.At(pos, m.Sources.Span(pos, typ), "map is %q", typ).
			WithHelp("%s", diag.OneOf(mailaddr.Lower(typ), types...)))
	}
}
