package lint

import (
	"virtmap/internal/diag"
	"virtmap/internal/effective"
	"virtmap/inventory"
)

// advice are the checks for inventories that work, but that probably do not mean what
// the author meant. A build does not depend on them.
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
	{checkMailboxTwice, (*advisor).mailboxesTwice},
}

// Advise adds the faults of the checks in advice. The inventory must have no errors. It
// leaves out the checks with a severity below least, and returns them as skipped.
// accounts are the local accounts of the server; without them no check of accounts is
// run.
func Advise(m *inventory.Model, accounts []string, least diag.Severity, faults *diag.List) (skipped []*diag.Check) {
	a := &advisor{m: m, faults: faults, accounts: accounts, tables: effective.Of(m)}
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

// An advisor checks one inventory.
type advisor struct {
	m        *inventory.Model
	faults   *diag.List
	accounts []string
	tables   *effective.Tables
	ends     map[*inventory.Address]*end // of addresses that other targets lead to
	copied   []bool                      // by domain: a copy of the domain has another catch-all
}

// served calls f for every domain that has rows, except the names of the host.
func (a *advisor) served(f func(i int, d *inventory.Domain)) {
	for i := range a.m.Domains {
		if d := &a.m.Domains[i]; d.Enabled && !d.Backup && !a.m.IsHostName(d.Name) {
			f(i, d)
		}
	}
}

// own calls f for every address that is written in a domain that is served, and for the
// roles of the defaults.
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

// catchAll returns the target of the unlisted addresses of a domain.
func (a *advisor) catchAll(d int) inventory.Target {
	t, _ := a.tables.CatchAll(d)
	return t
}

// refused reports whether an address takes no mail.
func refused(a *inventory.Address) bool {
	return a.Disabled || a.To.Kind == inventory.Refused || a.To.Kind == inventory.Removed
}
