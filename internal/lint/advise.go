package lint

import (
	"iter"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// advice are the checks that tell what works and is likely not what was meant.
// A build relies on none of them.
var advice = []struct {
	*diag.Check
	look func(*advisor)
}{
	{checkNoPostmaster, (*advisor).postmasters},
	{checkDeadPostmaster, (*advisor).deadPostmasters},
	{checkCatchAllOutside, (*advisor).catchAllsOutside},
	{checkForward, (*advisor).forwards},
	{checkExposed, (*advisor).exposed},
	{checkUnreached, (*advisor).unreached},
	{checkShadowed, (*advisor).shadowed},
	{checkNear, (*advisor).near},
	{checkHostDomain, (*advisor).hostDomains},
	{checkSubdomain, (*advisor).subdomains},
	{checkDetailLost, (*advisor).detailsLost},
	{checkDeep, (*advisor).deepChains},
	{checkCrowd, (*advisor).crowds},
	{checkScripts, (*advisor).scripts},
	{checkSpecialUse, (*advisor).specialUse},
	{checkSame, (*advisor).sameAsCatchAll},
	{checkLone, (*advisor).lone},
	{checkNoNote, (*advisor).notes},
}

// Advise adds what the checks of this package say of an inventory without
// errors, where that counts as a severity or more. accounts are the local
// accounts of the server; without them nothing is said of those. It gives the
// checks that were not looked for.
func Advise(m *inventory.Model, accounts []string, least diag.Severity, faults *diag.List) (skipped []*diag.Check) {
	a := &advisor{m: m, faults: faults, accounts: accounts}
	a.inherit()
	for _, one := range advice {
		severity := faults.Severity(one.Check)
		if severity < least || severity == diag.Ignore || one.Check == checkExposed && len(accounts) == 0 {
			skipped = append(skipped, one.Check)
			continue
		}
		one.look(a)
	}
	return skipped
}

// An advisor looks at one inventory.
type advisor struct {
	m         *inventory.Model
	faults    *diag.List
	accounts  []string
	inherited []inherited                 // by domain
	ends      map[*inventory.Address]*end // of addresses that others lead to
	copied    []bool                      // by domain: a copy of it has another catch-all
}

// served calls f for every domain that has rows, and is no name of the host.
func (a *advisor) served(f func(i int, d *inventory.Domain)) {
	for i := range a.m.Domains {
		if d := &a.m.Domains[i]; d.Enabled && !d.Backup && !a.m.IsHostName(d.Name) {
			f(i, d)
		}
	}
}

// own calls f for every address that is written down in a domain that is
// served, the roles of the defaults too.
func (a *advisor) own(f func(*inventory.Address)) {
	each := func(all []inventory.Address) {
		for i := range all {
			if all[i].To.Kind != inventory.Removed {
				f(&all[i])
			}
		}
	}
	each(a.m.Defaults.Roles)
	for i := range a.m.Domains {
		if d := &a.m.Domains[i]; d.Enabled && !d.Backup {
			each(d.Addresses)
			each(d.Roles)
		}
	}
}

// inherited is what a domain has by itself or from the domains it copies.
type inherited struct {
	catchAll inventory.Target
	detail   inventory.Detail
	above    int // the next domain of its copies with addresses or roles, or the last; -1: none
}

// inherit works out what every domain inherits, each link of a chain of copies
// once.
func (a *advisor) inherit() {
	a.inherited = make([]inherited, len(a.m.Domains))
	known := make([]bool, len(a.m.Domains))
	var chain []int
	for i := range a.m.Domains {
		for d := i; d >= 0 && !known[d]; d = a.m.Domains[d].Source {
			known[d] = true
			chain = append(chain, d)
		}
		for len(chain) > 0 {
			d := chain[len(chain)-1]
			chain = chain[:len(chain)-1]
			a.inherited[d] = a.inheritedBy(&a.m.Domains[d])
		}
	}
}

// inheritedBy is what a domain has when that of its source is known.
func (a *advisor) inheritedBy(d *inventory.Domain) inherited {
	own := inherited{a.m.Defaults.CatchAll, a.m.Defaults.Detail, -1}
	if d.Source >= 0 {
		own = a.inherited[d.Source]
		if source := &a.m.Domains[d.Source]; source.Source < 0 || len(source.Addresses)+len(source.Roles) > 0 {
			own.above = d.Source
		}
	}
	if d.CatchAll.Kind != inventory.NoTarget {
		own.catchAll = d.CatchAll
	}
	if d.Detail != inventory.DetailUnset {
		own.detail = d.Detail
	}
	return own
}

// catchAll is where a domain's unlisted addresses go.
func (a *advisor) catchAll(d int) inventory.Target { return a.inherited[d].catchAll }

// detail is what becomes of user+detail at a domain.
func (a *advisor) detail(d int) inventory.Detail { return a.inherited[d].detail }

// layers gives the addresses of a domain, those that come first before others.
func (a *advisor) layers(d int) iter.Seq[[]inventory.Address] {
	return func(yield func([]inventory.Address) bool) {
		for ; d >= 0; d = a.inherited[d].above {
			domain := &a.m.Domains[d]
			if !yield(domain.Addresses) || !yield(domain.Roles) {
				return
			}
			if domain.Source < 0 && !a.m.IsHostName(domain.Name) && !yield(a.m.Defaults.Roles) {
				return
			}
		}
	}
}

// find finds a plain address in the effective table of a domain; taken away is
// found too.
func (a *advisor) find(d int, local string) (*inventory.Address, bool) {
	for layer := range a.layers(d) {
		if address, ok := inventory.Find(layer, local, inventory.Plain); ok {
			return address, true
		}
	}
	return nil, false
}

// refused reports whether an address takes no mail.
func refused(a *inventory.Address) bool {
	return a.Disabled || a.To.Kind == inventory.Refused || a.To.Kind == inventory.Removed
}
