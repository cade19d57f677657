package postfix

import (
	"slices"

	"virtmap/internal/effective"
	"virtmap/inventory"
)

// The row "@d.example @e.example" accepts every name at d.example, and mail for a name
// that e.example does not have is bounced. If e.example is a domain of the inventory,
// its keys are therefore written out at d.example: the keys of d.example come first,
// and the catch-all of e.example becomes that of d.example.

// borrow adds the keys of the domain to which the catch-all leads, and of the domain to
// which that catch-all leads, and so on.
func (v *domain) borrow() {
	seen := map[int]bool{v.index: true}
	for {
		e, drops, ok := v.next()
		if !ok || seen[e] {
			return
		}
		seen[e] = true
		rejects := v.detail == inventory.DetailReject
		v.add(e, drops, rejects)
		v.catchAll, _ = v.tables.CatchAll(e)
		switch {
		case drops:
			v.detail = inventory.DetailDrop
		case !rejects:
			v.detail = v.tables.Detail(e)
		}
	}
}

// next returns the domain of the inventory to which the catch-all leads. drops says that
// the detail does not go along.
func (v *domain) next() (e int, drops, ok bool) {
	name := ""
	switch v.catchAll.Kind {
	case inventory.ToDomain:
		name = v.catchAll.Text
	case inventory.ToPattern:
		p := v.m.Pattern(&v.catchAll)
		name = domainOf(p)[1:]
		switch p.Expand("u", "d", "+d") {
		case "u@" + name:
			drops = true
		case "u+d@" + name:
		default:
			return 0, false, false
		}
	default:
		return 0, false, false
	}
	name = v.m.Meant(name)
	e, listed := v.m.Serves(name)
	if listed {
		return e, drops, !v.m.Domains[e].Held
	}
	if v.m.IsHostName(name) {
		v.catchAll = inventory.Target{Kind: inventory.ToLocal, Pos: v.catchAll.Pos}
	}
	return 0, false, false
}

// add adds the keys of a domain that v does not have. With drops or rejects, no key with
// a detail is added.
func (v *domain) add(e int, drops, rejects bool) {
	own := *v
	for _, a := range v.tables.Table(e) {
		switch {
		case own.find(a.Local, a.Form) != nil:
			continue
		case a.Form != inventory.Plain && (drops || rejects || own.decides(a.User())):
			continue
		case drops:
			a.Detail = inventory.DetailDrop
		case rejects:
			a.Detail = inventory.DetailReject
		}
		v.entries = append(v.entries, entry{Address: a, borrowed: true})
	}
	slices.SortFunc(v.entries, func(a, b entry) int { return a.Compare(&b.Address) })
}

// decides reports whether a domain has a key that every detail of a user matches.
func (v *domain) decides(user string) bool {
	return v.open() || v.find(user, inventory.Plain) != nil || v.find(user+"+*", inventory.AnyDetail) != nil
}

// borrowDetails adds the details of the users to which the entries lead with their
// details: for "a: {to: b@e.example, detail: keep}" and "b+x: bea" at e.example, the key
// a+x. Postfix would take mail for a+y and bounce it if b refuses details.
func (v *domain) borrowDetails() {
	for i := range v.entries {
		if e := &v.entries[i]; e.Form == inventory.Plain && !e.Disabled && e.Detail == inventory.DetailKeep && e.To.Kind == inventory.ToAddress {
			v.borrowFrom(i, e.To.Text)
		}
	}
	slices.SortFunc(v.entries, func(a, b entry) int { return a.Compare(&b.Address) })
}

// borrowFrom adds the details of a user at another domain to entry i, which leads there.
func (v *domain) borrowFrom(i int, addr string) {
	for range maxBorrowed {
		local, _, d, whose := v.tables.Locate(addr)
		if whose != effective.Listed || v.m.Domains[d].Held {
			return
		}
		v.addDetails(v.entries[i].Local, d, local)
		a, ok := v.tables.Find(d, local, inventory.Plain)
		switch {
		case !ok || a.Disabled || a.To.Kind == inventory.Refused:
			return
		case a.Detail != inventory.DetailKeep:
			v.entries[i].Detail = a.Detail
			return
		case a.To.Kind != inventory.ToAddress:
			return
		}
		addr = a.To.Text
	}
}

// maxBorrowed ends a circle of addresses, which is reported elsewhere.
const maxBorrowed = 100

// addDetails adds the keys of a user at domain d as keys of another user.
func (v *domain) addDetails(user string, d int, of string) {
	if !v.tables.HasDetailKeys(d, of) {
		return
	}
	has := func(key string) bool {
		return slices.ContainsFunc(v.entries, func(e entry) bool { return e.Local == key })
	}
	if has(user + "+*") {
		return
	}
	for _, a := range v.tables.Table(d) {
		if a.Form == inventory.Plain || a.User() != of {
			continue
		}
		if a.Local = user + a.Local[len(of):]; !has(a.Local) {
			v.entries = append(v.entries, entry{Address: a})
		}
	}
}
