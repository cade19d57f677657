package effective

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// AppendRows appends the rows of a domain, without its catch-all, for a server that tries
// the keys in the order of Lookup. They are the effective table and the keys that
// detail: reject asks for: user+* for each listed user, and +* if the catch-all takes
// mail. A key that is listed wins. An address that is disabled is refused.
func (t *Tables) AppendRows(all []inventory.Address, d int) []inventory.Address {
	from := len(all)
	all = t.AppendTable(all, d)
	listed := len(all)
	for i := from; i < listed; i++ {
		a := &all[i]
		if a.Disabled {
			a.To = inventory.Target{Kind: inventory.Refused, Pos: a.Pos}
		}
		if a.Form == inventory.Plain && a.Detail == inventory.DetailReject && a.To.Kind != inventory.Refused {
			all = append(all, refusedKey(a.Local+"+*", inventory.AnyDetail, a.Pos))
		}
	}
	catchAll, pos := t.CatchAll(d)
	if t.Detail(d) == inventory.DetailReject && catchAll.Kind != inventory.Refused {
		all = append(all, refusedKey("+*", inventory.AnyUser, pos))
	}
	if len(all) == listed {
		return all
	}
	rows := all[from:]
	slices.SortStableFunc(rows, func(a, b inventory.Address) int { return a.Compare(&b) })
	rows = slices.CompactFunc(rows, func(a, b inventory.Address) bool { return a.Compare(&b) == 0 })
	return all[:from+len(rows)]
}

func refusedKey(key string, form inventory.Form, pos diag.Pos) inventory.Address {
	return inventory.Address{Local: key, Form: form, Pos: pos, To: inventory.Target{Kind: inventory.Refused, Pos: pos}}
}
