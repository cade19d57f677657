package virtuser

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// rows gives the effective table of a domain with the rows that detail: reject
// asks for: user+* where user is listed, +* where the catch-all takes mail. What
// is listed wins. The table is in the compiler's scratch.
func (c *compiler) rows(d int) []inventory.Address {
	c.scratch = c.tables.AppendTable(c.scratch[:0], d)
	listed := len(c.scratch)
	for i := range listed {
		a := &c.scratch[i]
		if a.Form == inventory.Plain && a.Detail == inventory.DetailReject && a.To.Kind != inventory.Refused && !a.Disabled {
			c.scratch = append(c.scratch, refusedKey(a.Local+"+*", inventory.AnyDetail, a.Pos))
		}
	}
	catchAll, pos := c.tables.CatchAll(d)
	if c.tables.Detail(d) == inventory.DetailReject && catchAll.Kind != inventory.Refused {
		c.scratch = append(c.scratch, refusedKey("+*", inventory.AnyUser, pos))
	}
	if len(c.scratch) > listed {
		slices.SortStableFunc(c.scratch, func(a, b inventory.Address) int { return a.Compare(&b) })
		c.scratch = slices.CompactFunc(c.scratch, func(a, b inventory.Address) bool { return a.Compare(&b) == 0 })
	}
	return c.scratch
}

func refusedKey(key string, form inventory.Form, pos diag.Pos) inventory.Address {
	return inventory.Address{Local: key, Form: form, Pos: pos, To: inventory.Target{Kind: inventory.Refused, Pos: pos}}
}
