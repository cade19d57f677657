package change

import (
	"bytes"
	"strings"
	"sync"

	"virtmap/virtuser"
)

// A row is a key whose outcome may differ, and in which sets it is.
type row struct {
	domain, local string
	old, next     bool
}

// differing gives the keys whose rows differ, or lead to what may, in the order
// of the tables, which are gone through side by side, and counts the addresses
// of both.
func (c *comparer) differing() (found []row) {
	old, next := c.old.Table, c.next.Table
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
			if d.served { // not one of a domain that left before
				c.Before++
			}
		}
		if address && is != nil {
			d.After++
		}
		if d.State == Changed && (order != 0 || !bytes.Equal(was, is) || !d.sameRole || !c.ends.Same(was)) {
			local, domain, _ := strings.Cut(string(key), "@")
			found = append(found, row{domain: domain, local: local, old: was != nil, next: is != nil})
		}
	}
	return found
}

// compareRows says which of two rows comes first; a table that is at its end
// has nothing more.
func compareRows(old *virtuser.Table, i int, next *virtuser.Table, j int) int {
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
	return virtuser.CompareKeys(a, b)
}

// accounts are what the old rows lead to: an account that left the inventory
// with its last address was one before.
type accounts struct {
	old             Side
	collect         sync.Once
	known, followed map[string]bool
}

// has reports whether a name was an account. The rows are gone through when
// the first name is asked for that is no account of the new side.
func (a *accounts) has(name string) bool {
	a.collect.Do(func() {
		a.known, a.followed = map[string]bool{}, map[string]bool{}
		for i := range a.old.Table.Len() {
			_, right := a.old.Table.Row(i)
			a.note(right)
		}
	})
	return a.known[name]
}

func (a *accounts) note(right []byte) {
	if a.followed[string(right)] || bytes.ContainsAny(right, "@:%/|") {
		return
	}
	a.followed[string(right)] = true
	name, _, _ := strings.Cut(string(right), "+")
	a.known[name] = true
	for member := range strings.SplitSeq(a.old.alias(string(right)), ",") {
		if member = strings.TrimSpace(member); member != "" {
			a.note([]byte(member))
		}
	}
}

// share gives both routers the same accounts: those of the new side, and these.
func (a *accounts) share(old, next *Side) {
	account := next.Router.Account
	both := func(name string) bool { return account(name) || a.has(name) }
	x, y := *old.Router, *next.Router
	x.Account, y.Account = both, both
	old.Router, next.Router = &x, &y
}

// alias gives the members of an alias; empty when there is none.
func (s Side) alias(name string) string {
	members, _ := s.Router.Aliases.Alias(name)
	return members
}
