package change

import (
	"bytes"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// A row is a key whose outcome may differ, and says which sets have it.
type row struct {
	domain, local string
	old, next     bool
}

// differing returns the keys whose rows differ, or whose values may lead to different
// ends. It counts the addresses of both sets. It goes through both tables in parallel,
// in their order.
func (c *comparer) differing() (found []row) {
	old, next := c.old, c.next
	for i, j := 0, 0; i < old.Len() || j < next.Len(); {
		var key, was, is []byte
		order := compareRows(old, i, next, j)
		if order <= 0 {
			key, was = old.Row(i)
			i++
		}
		if order >= 0 {
			key, is = next.Row(j)
			j++
		}
		d, address := c.domainOf(key)
		if address && was != nil {
			d.Before++
			if d.served { // not for a domain that left before
				c.Before++
			}
		}
		if address && is != nil {
			d.After++
		}
		if d.State == Changed && (order != 0 || !bytes.Equal(was, is) || !d.sameRole || !c.pair.Same(was)) {
			local, domain, _ := strings.Cut(string(key), "@")
			found = append(found, row{domain: domain, local: local, old: was != nil, next: is != nil})
		}
	}
	return found
}

// compareRows compares row i of old with row j of next. A table that is at its end
// comes last.
func compareRows(old mapfile.Rows, i int, next mapfile.Rows, j int) int {
	switch {
	case i == old.Len():
		return 1
	case j == next.Len():
		return -1
	}
	a, _ := old.Row(i)
	b, _ := next.Row(j)
	if bytes.Equal(a, b) {
		return 0
	}
	return inventory.CompareKeys(a, b)
}
