package cli

import (
	"fmt"

	"virtmap/internal/intake"
	"virtmap/inventory"
)

// merge adds an import to the inventory that is there.
func (a *importArgs) merge(server *intake.Server, inv *intake.Inventory, stdio Stdio) error {
	have, err := faultless(a.into, stdio)
	if err != nil {
		return err
	}
	name, text, err := inventory.ReadText(a.into, stdio.In)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	m := server.Into(have, inv)
	merged := text
	if !m.Empty() {
		if merged, err = m.Text(name, text); err != nil {
			return exit(exitProblems, fmt.Errorf("%s: %w; nothing was written", name, err))
		}
		if err := rewrite(a.into, []byte(merged)); err != nil {
			return machineExit(err, exitCannotWrite)
		}
	}
	proof := intake.Proof{Compared: m.Compared, Found: m.Differ}
	if err := printProof(stdio.Err, "", &proof); err != nil {
		return exit(exitIO, err)
	}
	fmt.Fprintf(stdio.Out, "%s: added %s, and %s to domains that it has\n", name, plural(len(m.Additions.Domains), "domain"), addresses(m.Added))
	for _, left := range inv.Lines() {
		fmt.Fprintln(stdio.Err, left)
	}
	if len(m.Differ) > 0 || inv.Left > 0 {
		return exit(exitHeld, nil)
	}
	return nil
}
