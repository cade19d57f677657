// Package lint knows all checks of the program and the severities that an
// inventory gives them.
package lint

import (
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Checks are all checks of this package.
var Checks = []*diag.Check{checkUnknown, checkFixed, checkTest, checkIgnore, checkUnused}

var (
	checkUnknown = &diag.Check{ID: "VM022", Name: "unknown-check", Severity: diag.Error,
		Rule: "The checks block names checks that there are."}
	checkFixed = &diag.Check{ID: "VM023", Name: "fixed-check", Severity: diag.Error,
		Rule: "An error that building relies on cannot be made less."}
)

// All gives every check of the program, sorted by id.
func All() []*diag.Check {
	all := slices.Concat(inventory.Checks, virtuser.Checks, hostnames.Checks, mcfile.Checks, Checks)
	slices.SortFunc(all, func(a, b *diag.Check) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// Tune gives the faults of an inventory the severities of its checks block.
func Tune(m *inventory.Model, faults *diag.List) {
	all := All()
	severities := map[string]diag.Severity{}
	for _, setting := range m.Checks {
		i := slices.IndexFunc(all, func(c *diag.Check) bool { return c.ID == setting.ID })
		switch {
		case i < 0:
			words := diag.Words{Names: func(yield func(string) bool) {
				for _, c := range all {
					if !yield(c.ID) {
						return
					}
				}
			}}
			f := checkUnknown.At(setting.Pos, len(setting.ID), "there is no check %s", setting.ID)
			if near, ok := words.Nearest(setting.ID); ok {
				f = f.WithHelp("did you mean %s? The id stands in brackets in every message", near)
			} else {
				f = f.WithHelp("the id stands in brackets in every message, such as VM014")
			}
			faults.Add(f)
		case all[i].Severity == diag.Error && setting.Severity != diag.Error:
			faults.Add(checkFixed.At(setting.Pos, len(setting.ID), "%s (%s) is an error that no setting takes back", setting.ID, all[i].Name).
				WithHelp("take the line out and mend what it reports"))
		default:
			severities[setting.ID] = setting.Severity
		}
	}
	faults.Tune(severities)
}
