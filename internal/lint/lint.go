// Package lint knows all checks of the program, and gives them the severities of an
// inventory.
package lint

import (
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/senders"
	"virtmap/inventory"
)

// Checks are all checks of this package, and those about senders.
var Checks = slices.Concat([]*diag.Check{checkUnknown, checkFixed, checkTest, checkIgnore, checkUnused}, advised(), senders.Checks)

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

// A Known has the checks of mail servers, in addition to those for every inventory.
type Known struct {
	Compile []*diag.Check // for an inventory that is compiled for a server
	Edit    []*diag.Check // for a server's main configuration

	Explained []string // the catalogue of each server, in the form of catalogue.txt
}

// All returns every check of the program, sorted by id.
func (k Known) All() []*diag.Check {
	all := slices.Concat(inventory.Checks, k.Compile, hostnames.Checks, k.Edit, Checks)
	slices.SortFunc(all, func(a, b *diag.Check) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// Sound reports whether no fault is an error by itself, so that the Model may be used.
// A warning that a setting makes an error does not count.
func Sound(faults *diag.List) bool {
	return !slices.ContainsFunc(faults.Faults(), func(f diag.Fault) bool { return f.Check.Severity == diag.Error })
}

// Tune gives the faults of an inventory the severities of its checks key. With the
// profile strict, every warning about the inventory is an error; warnings about the DNS
// are not.
func (k Known) Tune(m *inventory.Model, faults *diag.List) {
	severities := map[string]diag.Severity{}
	if m.Strict {
		for _, c := range slices.Concat(inventory.Checks, k.Compile, Checks) {
			if c.Severity == diag.Warning {
				severities[c.ID] = diag.Error
			}
		}
	}
	for _, setting := range m.Checks {
		check, _, ok := k.Explain(setting.ID)
		switch {
		case !ok || check.ID != setting.ID:
			faults.Add(k.unknown(setting))
		case check.Severity == diag.Error && setting.Severity != diag.Error:
			faults.Add(checkFixed.At(setting.Pos, len(setting.ID), "%s (%s) is an error that no setting takes back", setting.ID, check.Name).
				WithHelp("take the line out and mend what it reports"))
		default:
			severities[setting.ID] = setting.Severity
		}
	}
	faults.Tune(severities)
}

func (k Known) unknown(setting inventory.CheckSetting) diag.Fault {
	f := checkUnknown.At(setting.Pos, len(setting.ID), "there is no check %s", setting.ID)
	if check, _, ok := k.Explain(setting.ID); ok {
		return f.WithHelp("write %s: the id stands in brackets in every message", check.ID)
	}
	if near, ok := k.Nearest(setting.ID); ok {
		return f.WithHelp("did you mean %s? The id stands in brackets in every message", near)
	}
	return f.WithHelp("the id stands in brackets in every message, such as VM014")
}
