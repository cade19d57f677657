package postfix

import (
	"virtmap/internal/diag"
	"virtmap/inventory"
)

// CompileKeeping compiles an inventory in which no domain is held back, so that Postfix
// puts the detail on the results of all rows. Compile does so for large inventories. A
// domain with more than names users who drop their detail gets one rule for all.
func CompileKeeping(m *inventory.Model, names int, faults *diag.List) Build {
	defer func(old int) { maxDropNames = old }(maxDropNames)
	maxDropNames = names
	Check(m, faults)
	all := compile(m, keeps, faults)
	return Build{Model: m, compiled: all, needs: all.needs(), aliases: all.aliasRows(), senders: sendersText(m, faults), canonical: canonicalText(m, faults)}
}

// SetFewRules sets the number of rules up to which all details are dropped, until undo
// is called.
func SetFewRules(n int) (undo func()) {
	old := fewRules
	fewRules = n
	return func() { fewRules = old }
}

// Keeps reports whether Postfix puts the detail on the results of all rows.
func (b Build) Keeps() bool { return b.needs.mode == keeps }
