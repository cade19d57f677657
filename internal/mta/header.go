package mta

import (
	"path"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// Header returns the comment at the top of a file. It has the name of the inventory
// without the folder, and no time, so that the same input gives the same bytes.
func Header(m *inventory.Model, what string) string {
	return "# " + what + " of " + m.Host.Name.Text + ", written by virtmap from " + diag.Printable(path.Base(m.Name)) +
		".\n# Changes made here are lost at the next build.\n"
}
