package postfix

import (
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
)

// index finds the first row of each key, and the catch-alls.
func (f *filling) index() {
	all := f.spread()
	kept := all[:0] // in place: a large list has a hundred bytes a row
	for _, row := range all {
		if row.Is == lists.Domain || row.Is == lists.Backup {
			f.above(row)
			continue
		}
		key, problem := f.keyOf(row.Key)
		if problem != "" {
			f.lose(row, problem)
			continue
		}
		if at, twice := f.in.first[key]; twice && !bothKinds(kept[at], row) {
			if !sameTargets(kept[at].Value, row.Value) {
				f.leave(row, cmp.Or(kept[at].Where, "another row")+" has it first, with "+cut(kept[at].Value))
			}
			continue
		} else if !twice {
			f.in.first[key] = len(kept)
		}
		row.Key = key
		kept = append(kept, row)
		if key[0] == '@' && row.Is == lists.Address {
			f.caught[key[1:]] = row.Value
		}
	}
	f.in.rows = kept
}

// spread returns the rows. A name without a domain stands for the names of the server: it
// has a row at each of them.
func (f *filling) spread() []lists.Row {
	bare := func(row lists.Row) bool { return row.Is == lists.Address && !strings.Contains(row.Key, "@") }
	if !slices.ContainsFunc(f.in.rows, bare) {
		return f.in.rows
	}
	full := map[string]bool{} // Postfix looks up whole addresses before names alone
	for _, row := range f.in.rows {
		full[mailaddr.Lower(row.Key)] = row.Is == lists.Address
	}
	var all []lists.Row
	for _, row := range f.in.rows {
		if !bare(row) {
			all = append(all, row)
			continue
		}
		f.bare[mailaddr.Lower(row.Key)] = true
		for _, domain := range append([]string{f.facts.Host}, f.facts.Names...) {
			at := row
			at.Key += "@" + domain
			if f.class[domain] == localClass && !full[mailaddr.Lower(at.Key)] {
				all = append(all, at)
				row.Above = nil
			}
		}
	}
	return all
}

// sameTargets reports whether two right sides have the same targets. The case of a domain
// does not count.
func sameTargets(a, b string) bool {
	return a == b || slices.EqualFunc(cutTargets(a), cutTargets(b), func(a, b string) bool {
		a, problemA := mailaddr.FoldForeign(a)
		b, problemB := mailaddr.FoldForeign(b)
		return problemA == nil && problemB == nil && a == b
	})
}

// bothKinds reports whether a row is the mailbox of an address that has targets too.
func bothKinds(first, row lists.Row) bool {
	return first.Is == lists.Address && row.Is == lists.Mailbox
}

// keyOf returns the folded form of a key, or what is wrong with it.
func (f *filling) keyOf(key string) (folded, problem string) {
	key = mailaddr.Lower(key)
	local, domain, _ := mailaddr.Split(key)
	name, bad := f.folds.fold(domain)
	switch {
	case bad != nil:
		return "", bad.Text
	case local != "" && strings.ContainsAny(local, "*") && strings.Contains(local, "+"):
		return "", "in an inventory the name would stand for every detail"
	case name == domain && domain != "":
		return key, ""
	}
	return local + "@" + name, ""
}

// above keeps the comments above the row of a domain.
func (f *filling) above(row lists.Row) {
	if len(row.Above) > 0 {
		domain, _ := mailaddr.FoldDomain(row.Key)
		f.facts.AboveNames[domain] = append(f.facts.AboveNames[domain], row.Above...)
	}
}
