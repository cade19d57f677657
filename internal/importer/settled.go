package importer

import (
	"bytes"
	"slices"

	"virtmap/internal/mta/sendmail"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// What is settled needs no asking: an address whose keys have the same rows on
// both sides, at a domain that has the same role, ends the same where each of
// these rows does.
type settled struct {
	rows   []bool          // of the old table, in its order: they are in the new one too
	added  []int           // rows of the new table that the old one has not
	open   map[string]bool // domains where any address may differ
	caught map[string]bool // domains with a catch-all
}

// missed reports whether the addresses of a domain that hit no row of a user are
// settled: where there is no catch-all they may lead to an alias.
func (k *settled) missed(domain []byte) bool {
	return k.caught[string(domain)] && !k.open[string(domain)]
}

// row reports whether the addresses of a row of the old table are settled.
func (k *settled) row(i int, key []byte) bool {
	return k.rows[i] && !k.open[string(key[bytes.LastIndexByte(key, '@')+1:])]
}

// settle goes through both tables side by side.
func (p *pair) settle() *settled {
	k := &settled{rows: make([]bool, p.table.Len()), open: map[string]bool{}, caught: map[string]bool{}}
	ends := sendmail.NewEnds(p.old, p.next)
	for _, domain := range p.domains {
		if !ends.SameRole(domain) {
			k.open[domain] = true
		}
	}
	j := 0
	for i := range p.table.Len() {
		key, right := p.table.Row(i)
		for ; j < p.rows.Len(); j++ {
			other, now := p.rows.Row(j)
			if bytes.Equal(other, key) {
				k.rows[i] = bytes.Equal(now, right) && ends.Same(right)
				j++
				break
			}
			if inventory.CompareKeys(other, key) > 0 {
				break
			}
			k.added = append(k.added, j)
		}
	}
	for ; j < p.rows.Len(); j++ {
		k.added = append(k.added, j)
	}
	k.spread(p.table, p.rows)
	return k
}

// spread has the rows that may differ open what they decide too, once all of
// them are known.
func (k *settled) spread(old, next *virtuser.Table) {
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
		key, _ := next.Row(j)
		k.openBy(old, key)
	}
}

// openBy opens what the row of a key decides too: the domain of one that names
// of any kind may hit, the user of one that is for some detail.
func (k *settled) openBy(old *virtuser.Table, key []byte) {
	switch at, plus := bytes.LastIndexByte(key, '@'), bytes.IndexByte(key, '+'); {
	case at == 0 || at == 2 && plus == 0:
		k.open[string(key[at+1:])] = true
	case plus > 0 && plus < at:
		for _, form := range []string{"", "+*"} {
			if i, ok := old.Find(slices.Concat(key[:plus], []byte(form), key[at:])); ok {
				k.rows[i] = false
			}
		}
	}
}

// forget has every address asked about.
func (k *settled) forget() { clear(k.rows); k.caught = nil }
