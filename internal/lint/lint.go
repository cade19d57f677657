// Package lint knows all checks of the program and the severities that an
// inventory gives them.
package lint

import (
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// Checks are all checks of this package.
var Checks = append([]*diag.Check{checkUnknown, checkFixed, checkTest, checkIgnore, checkUnused}, advised()...)

func advised() (all []*diag.Check) {
	for _, one := range advice {
		all = append(all, one.Check)
	}
	return all
}

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

// Sound reports whether what was found leaves a Model to look at: warnings that
// the inventory's settings make errors do.
func Sound(faults *diag.List) bool {
	return !slices.ContainsFunc(faults.Faults(), func(f diag.Fault) bool { return f.Check.Severity == diag.Error })
}

// Tune gives the faults of an inventory the severities of its checks block. In
// the profile strict every warning of what is read is an error; what the DNS
// says is not the inventory's fault.
func Tune(m *inventory.Model, faults *diag.List) {
	severities := map[string]diag.Severity{}
	if m.Strict {
		for _, c := range slices.Concat(inventory.Checks, virtuser.Checks, Checks) {
			if c.Severity == diag.Warning {
				severities[c.ID] = diag.Error
			}
		}
	}
	for _, setting := range m.Checks {
		check, _, ok := Explain(setting.ID)
		switch {
		case !ok || check.ID != setting.ID:
			faults.Add(unknown(setting))
		case check.Severity == diag.Error && setting.Severity != diag.Error:
			faults.Add(checkFixed.At(setting.Pos, len(setting.ID), "%s (%s) is an error that no setting takes back", setting.ID, check.Name).
				WithHelp("take the line out and mend what it reports"))
		default:
			severities[setting.ID] = setting.Severity
		}
	}
	faults.Tune(severities)
}

func unknown(setting inventory.CheckSetting) diag.Fault {
	f := checkUnknown.At(setting.Pos, len(setting.ID), "there is no check %s", setting.ID)
	if check, _, ok := Explain(setting.ID); ok {
		return f.WithHelp("write %s: the id stands in brackets in every message", check.ID)
	}
	if near, ok := Nearest(setting.ID); ok {
		return f.WithHelp("did you mean %s? The id stands in brackets in every message", near)
	}
	return f.WithHelp("the id stands in brackets in every message, such as VM014")
}
