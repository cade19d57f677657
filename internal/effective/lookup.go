package effective

import (
	"slices"
	"strings"

	"virtmap/inventory"
)

// Find finds one key in the effective table of a domain. The Detail of the result is
// never DetailUnset.
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

// FindWritten finds one key of a domain as the Model has it. It also finds a role that
// is removed.
func (t *Tables) FindWritten(d int, key string, form inventory.Form) (*inventory.Address, bool) {
	for layer := range t.Layers(d) {
		if a, ok := inventory.Find(layer, key, form); ok {
			return a, true
		}
	}
	return nil, false
}

// HasDetailKeys reports whether a user has a key of the form user+….
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

// A Match is the result of looking up a local part in a domain.
type Match struct {
	To       inventory.Target
	Keep     bool // the target gets the detail too, if it is not a pattern
	Refused  bool // by detail: reject or enabled: false, whatever To is
	CatchAll bool // only the catch-all matches

	User   string // the text before the plus; for an address that is listed with its detail the whole local part
	Detail string // the text after the plus
	Plus   string // the detail with its plus; empty without a plus
}

// splitDetail splits a local part at the first plus that is not the first character.
func splitDetail(local string) (user, detail string, plus bool) {
	at := strings.IndexByte(local[min(1, len(local)):], '+')
	if at < 0 {
		return local, "", false
	}
	return local[:at+1], local[at+2:], true
}

// Lookup returns what a local part matches in a domain.
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

// findDetail returns the first key for several addresses that user+detail matches.
func (t *Tables) findDetail(d int, user, detail string) (inventory.Address, bool) {
	for _, key := range []struct {
		local string
		form  inventory.Form
		some  bool // only for a detail that is not empty
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

// at returns the match of a key for an address of a table.
func (m Match) at(a *inventory.Address) Match {
	m.To, m.Refused, m.CatchAll = a.To, a.Disabled, false
	m.Keep = a.Detail == inventory.DetailKeep && a.Form != inventory.ExactDetail
	return m
}
