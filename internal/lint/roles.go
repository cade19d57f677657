package lint

import (
	"strings"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

var (
	checkNoPostmaster = &diag.Check{ID: "VM080", Name: "no-postmaster", Severity: diag.Warning,
		Rule: "A domain takes mail for postmaster and abuse."}
	checkDeadPostmaster = &diag.Check{ID: "VM081", Name: "postmaster-refused", Severity: diag.Warning,
		Rule: "Mail for postmaster and abuse reaches somebody."}
	checkHostDomain = &diag.Check{ID: "VM088", Name: "host-as-domain", Severity: diag.Warning,
		Rule: "The server's own names are no virtual domains."}
	checkSubdomain = &diag.Check{ID: "VM089", Name: "empty-subdomain", Severity: diag.Warning,
		Rule: "A subdomain of another domain has addresses of its own, or those of same_as."}
)

// requiredRoles are the addresses that every mail domain must have (RFC 5321, section
// 4.5.1, and RFC 2142).
var requiredRoles = []string{"postmaster", "abuse"}

// postmasters reports domains that refuse mail to postmaster because the address is not
// listed. abuse: none is accepted as meant; no domain may be without postmaster.
func (a *advisor) postmasters() {
	a.served(func(i int, d *inventory.Domain) {
		if a.catchAll(i).Kind != inventory.Refused {
			return
		}
		var missing []string
		for _, role := range requiredRoles {
			address, ok := a.tables.FindWritten(i, role, inventory.Plain)
			if !ok || address.To.Kind == inventory.Removed && role == "postmaster" {
				missing = append(missing, role)
			}
		}
		if len(missing) > 0 {
			a.faults.Add(checkNoPostmaster.At(d.Pos, len(d.Name), "%s refuses mail for %s", d.Name, strings.Join(missing, " and ")).
				WithHelp("for every domain at once: defaults: {roles: {postmaster: …, abuse: …}} with a user each"))
		}
	})
}

// deadPostmasters reports role addresses that are listed and refused.
func (a *advisor) deadPostmasters() {
	a.own(func(address *inventory.Address) {
		for _, role := range requiredRoles {
			if address.Form == inventory.Plain && address.Local == role && a.dead(address) {
				a.faults.Add(checkDeadPostmaster.At(address.Pos, len(role), "mail for %s is refused", role).
					WithHelp("other servers report trouble there and may list you for refusing it; name a user"))
			}
		}
	})
}

// dead reports whether an address is refused, or leads to a refused address.
func (a *advisor) dead(address *inventory.Address) bool {
	for range maxSteps {
		if refused(address) {
			return true
		}
		next, ok := a.next(&address.To)
		if !ok {
			return false
		}
		address = next
	}
	return false
}

func (a *advisor) hostDomains() {
	for i := range a.m.Domains {
		if d := &a.m.Domains[i]; d.Enabled && a.m.IsHostName(d.Name) {
			a.faults.Add(checkHostDomain.At(d.Pos, len(d.Name), "%s is the server's own name: its rows come before the server's accounts and aliases", d.Name).
				WithHelp("leave it out of domains, unless its accounts are to be hidden"))
		}
	}
}

// hasAddresses reports whether a domain, or the domain it copies, has addresses.
func (a *advisor) hasAddresses(d int) bool {
	for ; d >= 0; d = a.m.Domains[d].Source {
		if len(a.m.Domains[d].Addresses) > 0 {
			return true
		}
	}
	return false
}

// subdomains reports domains without addresses that are below a domain with addresses.
func (a *advisor) subdomains() {
	a.served(func(i int, d *inventory.Domain) {
		if len(d.Addresses) > 0 || len(d.Roles) > 0 || d.Source >= 0 || a.catchAll(i).Kind != inventory.Refused {
			return
		}
		for parent := d.Name; strings.Contains(parent, "."); {
			_, parent, _ = strings.Cut(parent, ".")
			if p, ok := a.m.Serves(parent); ok && a.hasAddresses(p) {
				a.faults.Add(checkSubdomain.At(d.Pos, len(d.Name), "%s has no addresses, and is below %s, which has", d.Name, parent).
					Second(a.m.Domains[p].Pos, "the domain above it").
					WithHelp("write same_as: %s, or take it out: a domain without rows refuses everything but its roles", parent))
				return
			}
		}
	})
}
