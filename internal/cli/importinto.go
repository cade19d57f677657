package cli

import (
	"fmt"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/importer"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// merge adds an import to the inventory that is there.
func (a *importArgs) merge(server *importer.Server, inv *importer.Inventory, have mta.Build, stdio Stdio) error {
	m := server.Into(have, inv)
	after, changed := have, []string{a.into}
	if !m.Additions.Empty() {
		files, with, err := m.Files(a.into, stdio.includeFolders(), func(path string) (string, error) {
			_, text, err := inventory.ReadText(path, nil)
			return text, err
		})
		if err != nil {
			return exit(exitProblems, fmt.Errorf("%w; nothing was written", err))
		}
		after = with
		if changed, err = rewriteAll(files); err != nil {
			return err
		}
	}
	proof, err := m.Prove(after)
	if err == nil {
		err = printProof(stdio.Err, "", &proof)
	}
	if err != nil {
		return exit(exitIO, err)
	}
	fmt.Fprintf(stdio.Out, "%s: added %s, and %s to domains that it has\n", diag.Printable(strings.Join(changed, ", ")), diag.Count(len(m.Additions.Domains), "domain"), addresses(m.Added))
	for _, left := range inv.Lines() {
		stdio.tell(left)
	}
	if len(proof.Found) > 0 || inv.Left > 0 {
		return exit(exitHeld, nil)
	}
	return nil
}

// rewriteAll writes files, one after the other, and names those that it has
// written where that fails.
func rewriteAll(files []importer.File) (written []string, err error) {
	for _, f := range files {
		if err := rewrite(f.Path, []byte(f.Text)); err != nil {
			if len(written) > 0 {
				err = fmt.Errorf("%w; %s has its additions already", err, strings.Join(written, ", "))
			}
			return written, machineExit(err, exitCannotWrite)
		}
		written = append(written, f.Path)
	}
	return written, nil
}

// importable reads an inventory without faults, for a server that can be imported.
func importable(path string, stdio Stdio) (mta.Build, *mta.Server, error) {
	source, err := faultless(path, stdio)
	if err != nil {
		return nil, nil, err
	}
	kind := serverOf(source)
	if kind.Import == nil {
		return nil, nil, usage(fmt.Errorf("--into %s: the inventory is for %s", path, kind.Name))
	}
	return source, kind, nil
}
