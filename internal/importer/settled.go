package importer

import (
	"bytes"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/inventory"
)

// settled has the addresses whose outcome certainly is the same, so that
// neither set need be asked. An address is settled when its keys have the same rows on both
// sides, each of these rows has the same outcome, and its domain has the same role.
type settled struct {
	rows   []bool          // by row of the old table: its addresses are settled
	added  []int           // rows of the new table that the old one does not have
	open   map[string]bool // domains of which no address is settled
	caught map[string]bool // domains with a catch-all
}

// missed reports whether addresses that match no row of a user are settled. Without a
// catch-all they are not, because they may lead to an alias.
func (k *settled) missed(domain []byte) bool {
	return k.caught[string(domain)] && !k.open[string(domain)]
}

// row reports whether the addresses of a row of the old table are settled.
func (k *settled) row(i int, key []byte) bool {
	return k.rows[i] && !k.open[string(key[bytes.LastIndexByte(key, '@')+1:])]
}

// settle compares both tables.
func (p *pair) settle() *settled {
	k := &settled{rows: make([]bool, p.was.Len()), open: map[string]bool{}, caught: map[string]bool{}}
	for _, domain := range p.domains {
		if !p.SameRole(domain) {
			k.open[domain] = true
		}
	}
	j := 0
	for i := range p.was.Len() {
		key, right := p.was.Row(i)
		for ; j < p.is.Len(); j++ {
			other, now := p.is.Row(j)
			if bytes.Equal(other, key) {
				k.rows[i] = p.sameRow(key, right, now)
				j++
				break
			}
			if inventory.CompareKeys(other, key) > 0 {
				break
			}
			k.added = append(k.added, j)
		}
	}
	for ; j < p.is.Len(); j++ {
		k.added = append(k.added, j)
	}
	k.spread(p)
	for _, key := range p.lost {
		k.openBy(p.was, []byte(key))
	}
	return k
}

// sameRow reports whether the rows of a key have the same outcome.
func (p *pair) sameRow(key, was, is []byte) bool {
	if p.SameRow != nil {
		return p.SameRow(key, was, is)
	}
	return bytes.Equal(was, is) && p.Same(was)
}

// spread opens the other addresses that a row which may differ affects.
func (k *settled) spread(p *pair) {
	old, next := p.was, p.is
	for i := range old.Len() {
		key, _ := old.Row(i)
		switch {
		case !k.rows[i]:
			k.openBy(old, key)
		case key[0] == '@':
			k.caught[string(key[1:])] = true
		}
	}
	for _, j := range k.added {
		key, value := next.Row(j)
		if key[0] == '@' && p.SameUnlisted != nil && p.SameUnlisted(string(key[1:]), value) {
			k.caught[string(key[1:])] = true
			continue
		}
		k.openBy(old, key)
	}
}

// openBy opens the other addresses that the row of a key affects: the whole domain for
// a key that matches any user, and the user for a key with a detail.
func (k *settled) openBy(old mapfile.Rows, key []byte) {
	switch at, plus := bytes.LastIndexByte(key, '@'), bytes.IndexByte(key, '+'); {
	case at == 0 || at == 2 && plus == 0:
		k.open[string(key[at+1:])] = true
	case plus > 0 && plus < at:
		for _, form := range []string{"", "+*"} {
			if i, ok := mta.FindRow(old, slices.Concat(key[:plus], []byte(form), key[at:])); ok {
				k.rows[i] = false
			}
		}
	}
}

// forget makes no address settled.
func (k *settled) forget() { clear(k.rows); k.caught = nil }
