package effective

import (
	"slices"
	"strings"

	"virtmap/inventory"
)

// Find finds one key in the effective table of a domain, with its detail settled.
func (t *Tables) Find(d int, key string, form inventory.Form) (inventory.Address, bool) {
	if kept := t.kept[d].Load(); kept != nil {
		return valueOf(inventory.Find(*kept, key, form))
	}
	for _, layer := range t.own(d) {
		a, ok := valueOf(inventory.Find(layer, key, form))
		if !ok {
			continue
		}
		if a.Detail == inventory.DetailUnset {
			a.Detail = t.Detail(d)
		}
		return a, a.To.Kind != inventory.Removed
	}
	if t.m.Domains[d].Source < 0 {
		return inventory.Address{}, false
	}
	return valueOf(inventory.Find(t.source(d), key, form))
}

func valueOf(a *inventory.Address, ok bool) (inventory.Address, bool) {
	if !ok {
		return inventory.Address{}, false
	}
	return *a, true
}

// FindWritten finds one key of a domain as it is written, in the Model itself. A
// role that is taken away is found too.
func (t *Tables) FindWritten(d int, key string, form inventory.Form) (*inventory.Address, bool) {
	for layer := range t.Layers(d) {
		if a, ok := inventory.Find(layer, key, form); ok {
			return a, true
		}
	}
	return nil, false
}

// HasDetailKeys reports whether a key of the form user+… is listed for a user.
func (t *Tables) HasDetailKeys(d int, user string) bool {
	if hasDetailKeys(t.m.Domains[d].Addresses, user) {
		return true
	}
	return t.m.Domains[d].Source >= 0 && hasDetailKeys(t.source(d), user)
}

func hasDetailKeys(all []inventory.Address, user string) bool {
	first := inventory.Address{Local: user + "+", Form: inventory.ExactDetail}
	i, _ := slices.BinarySearchFunc(all, &first, func(a inventory.Address, b *inventory.Address) int { return a.Compare(b) })
	if i < len(all) && strings.HasPrefix(all[i].Local, first.Local) {
		return true
	}
	_, some := inventory.Find(all, user+"++", inventory.SomeDetail)
	_, every := inventory.Find(all, user+"+*", inventory.AnyDetail)
	return some || every
}

// A Match is what an address of a domain matches.
type Match struct {
	To       inventory.Target
	Keep     bool // the detail goes along to a target that is no pattern
	Refused  bool // by detail: reject or enabled: false, whatever To is
	CatchAll bool // no key but the catch-all

	User   string // what stands before the plus, or all of an address that is listed
	Detail string // what stands behind the plus
	Plus   string // the detail with its plus; empty where there is no plus
}

// splitDetail cuts a local part at the first plus that has something before it.
func splitDetail(local string) (user, detail string, plus bool) {
	at := strings.IndexByte(local[min(1, len(local)):], '+')
	if at < 0 {
		return local, "", false
	}
	return local[:at+1], local[at+2:], true
}

// Lookup finds what a local part matches at a domain.
func (t *Tables) Lookup(d int, local string) Match {
	user, detail, plus := splitDetail(local)
	form := inventory.Plain
	if plus {
		form = inventory.ExactDetail
	}
	if a, ok := t.Find(d, local, form); ok {
		return Match{User: local}.at(&a)
	}
	to, _ := t.CatchAll(d)
	unlisted := Match{To: to, Keep: t.Detail(d) == inventory.DetailKeep, CatchAll: true, User: user}
	if !plus {
		return unlisted
	}
	unlisted.Detail, unlisted.Plus = detail, "+"+detail
	if a, ok := t.findDetail(d, user, detail); ok {
		m := unlisted.at(&a)
		m.Refused = m.Refused || a.Form == inventory.Plain && a.Detail == inventory.DetailReject && a.To.Kind != inventory.Refused
		return m
	}
	if t.Detail(d) == inventory.DetailReject && to.Kind != inventory.Refused {
		return Match{To: to, Refused: true}
	}
	return unlisted
}

// findDetail finds the key for several addresses that user+detail matches first.
func (t *Tables) findDetail(d int, user, detail string) (inventory.Address, bool) {
	for _, key := range []struct {
		local string
		form  inventory.Form
		some  bool // of a detail that is not empty
	}{
		{user + "++", inventory.SomeDetail, true}, {user + "+*", inventory.AnyDetail, false}, {user, inventory.Plain, false},
		{"++", inventory.SomeUser, true}, {"+*", inventory.AnyUser, false},
	} {
		if key.some && detail == "" {
			continue
		}
		if a, ok := t.Find(d, key.local, key.form); ok {
			return a, true
		}
	}
	return inventory.Address{}, false
}

// at is the match of a key by the same address.
func (m Match) at(a *inventory.Address) Match {
	m.To, m.Refused, m.CatchAll = a.To, a.Disabled, false
	m.Keep = a.Detail == inventory.DetailKeep && a.Form != inventory.ExactDetail
	return m
}
