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
// the detail does not go along. A catch-all that leads to the host becomes local.
func (v *domain) next() (e int, drops, ok bool) {
	name, drops := sameAddressAt(v.m, &v.catchAll)
	if name == "" {
		return 0, false, false
	}
	e, listed := v.m.Serves(name)
	if !listed && v.m.IsHostName(name) {
		v.catchAll = inventory.Target{Kind: inventory.ToLocal, Pos: v.catchAll.Pos}
	}
	return e, drops, listed && !v.m.Domains[e].Held
}

// sameAddressAt returns the domain at which a catch-all has the same address, with or
// without its detail; empty: it has another target.
func sameAddressAt(m *inventory.Model, t *inventory.Target) (domain string, drops bool) {
	switch t.Kind {
	case inventory.ToDomain:
		return m.Meant(t.Text), false
	case inventory.ToPattern:
		p := m.Pattern(t)
		name := domainOf(p)
		switch p.Expand("u", "d", "+d") {
		case "u" + name:
			return m.Meant(name[1:]), true
		case "u+d" + name:
			return m.Meant(name[1:]), false
		}
	}
	return "", false
}

// endsLocally reports whether the catch-all of a domain leaves unlisted addresses to the
// accounts, by itself or by the catch-alls of other domains.
func endsLocally(m *inventory.Model, tables *effective.Tables, d int) bool {
	for range len(m.Domains) + 1 { // a circle is reported elsewhere
		t, _ := tables.CatchAll(d)
		name, _ := sameAddressAt(m, &t)
		if name == "" {
			return t.Kind == inventory.ToLocal
		}
		next, listed := m.Serves(name)
		if !listed || m.Domains[next].Held {
			return !listed && m.IsHostName(name)
		}
		d = next
	}
	return false
}

// add adds the keys of a domain that v does not have. With drops or rejects, no key with
// a detail is added.
func (v *domain) add(e int, drops, rejects bool) {
	own := *v
	for _, a := range v.tables.Table(e) {
		switch {
		case own.find(a.Local, a.Form) != nil:
			continue
		case a.Form == inventory.AnyUser && !drops && !rejects: // after ++, for an empty detail
		case a.Form != inventory.Plain && (drops || rejects || own.decides(a.User())):
			continue
		case drops:
			a.Detail = inventory.DetailDrop
		case rejects:
			a.Detail = inventory.DetailReject
		}
		v.entries = append(v.entries, entry{Address: a, bare: a.Form == inventory.Plain && own.open()})
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
	listed := len(v.entries)
	for i := range listed {
		e := &v.entries[i]
		if e.Form == inventory.ExactDetail || e.User() == "" || e.Disabled || e.Detail != inventory.DetailKeep || e.To.Kind != inventory.ToAddress {
			continue
		}
		if e.Form != inventory.Plain || v.find(e.Local+"+*", inventory.AnyDetail) == nil {
			v.borrowFrom(i)
		}
	}
	if len(v.entries) > listed {
		slices.SortFunc(v.entries, func(a, b entry) int { return a.Compare(&b.Address) })
	}
}

// borrowFrom adds the details of the user at another domain to which entry i leads.
func (v *domain) borrowFrom(i int) {
	addr := v.entries[i].To.Text
	for range maxBorrowed {
		local, _, d, whose := v.tables.Locate(addr)
		if whose != effective.Listed || v.m.Domains[d].Held {
			return
		}
		if v.tables.HasDetailKeys(d, local) && v.addDetails(i, d, local) {
			return
		}
		a, ok := v.tables.Find(d, local, inventory.Plain)
		switch e := &v.entries[i]; {
		case !ok || a.Disabled || a.To.Kind == inventory.Refused:
			return
		case a.Detail == inventory.DetailReject && e.Form != inventory.Plain:
			e.Disabled = true
			return
		case a.To.Kind == inventory.ToPattern && a.Detail != inventory.DetailReject:
			return
		case a.Detail != inventory.DetailKeep:
			e.Detail = a.Detail
			return
		case a.To.Kind != inventory.ToAddress:
			return
		}
		addr = a.To.Text
	}
}

// maxBorrowed ends a circle of addresses, which is reported elsewhere.
const maxBorrowed = 100

// addDetails adds the keys of a user at domain d as keys of the user of entry i. whole
// reports whether they stand for every detail of the entry.
func (v *domain) addDetails(i, d int, of string) (whole bool) {
	e := v.entries[i]
	has := func(key string) bool {
		return slices.ContainsFunc(v.entries, func(e entry) bool { return e.Local == key })
	}
	for _, a := range v.tables.Table(d) {
		if a.Form == inventory.Plain || a.User() != of {
			continue
		}
		same := a.Form == e.Form || a.Form == inventory.AnyDetail && e.Form == inventory.SomeDetail
		if whole = whole || same && e.Form != inventory.Plain; same {
			v.entries[i].To, v.entries[i].Detail, v.entries[i].Disabled = a.To, a.Detail, a.Disabled
			continue
		}
		if a.Local = e.User() + a.Local[len(of):]; !has(a.Local) {
			v.entries = append(v.entries, entry{Address: a})
		}
	}
	return whole
}
