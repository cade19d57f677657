package cli

import (
	"fmt"

	"virtmap/internal/fileset"
	"virtmap/internal/intake"
	"virtmap/inventory"
)

// merge adds an import to the inventory that is there.
func (a *importArgs) merge(server *intake.Server, inv *intake.Inventory, have fileset.Source, stdio Stdio) error {
	m := server.Into(have, inv)
	after := have
	if !m.Empty() {
		_, text, err := inventory.ReadText(a.into, nil)
		if err != nil {
			return machineExit(err, exitNoInput)
		}
		if text, after, err = m.Text(a.into, text); err != nil {
			return exit(exitProblems, fmt.Errorf("%s: %w; nothing was written", a.into, err))
		}
		if err := rewrite(a.into, []byte(text)); err != nil {
			return machineExit(err, exitCannotWrite)
		}
	}
	proof := m.Prove(after)
	if err := printProof(stdio.Err, "", &proof); err != nil {
		return exit(exitIO, err)
	}
	fmt.Fprintf(stdio.Out, "%s: added %s, and %s to domains that it has\n", a.into, plural(len(m.Additions.Domains), "domain"), addresses(m.Added))
	for _, left := range inv.Lines() {
		fmt.Fprintln(stdio.Err, left)
	}
	if len(proof.Found) > 0 || inv.Left > 0 {
		return exit(exitHeld, nil)
	}
	return nil
}
