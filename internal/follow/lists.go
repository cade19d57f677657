package follow

import (
	"virtmap/internal/diag"
	"virtmap/inventory"
)

// A Listing is the first place of a list in the inventory. A list of a role of the
// defaults has no Domain, that of a catch-all has no Local, and that of the default
// catch-all has neither.
type Listing struct {
	List   int
	Local  string
	Domain string
	Label  string // the name of the place in messages
	Pos    diag.Pos
}

// A listed has the places of all lists.
type listed struct {
	listings []Listing
	labels   []string   // by list
	places   []diag.Pos // by list
}

// Listings returns the places of the lists of addresses, roles and catch-alls in domains
// that are served, each list once. Copies of a domain have the lists of the source. The
// order is that of the Model, with the defaults first.
func (f *Follower) Listings() []Listing { return f.listed.listings }

// ListLabel returns the name of a list in messages: that of its first place, or of the
// user whose forward it is.
func (f *Follower) ListLabel(list int) string { return f.listed.labels[list] }

// Label returns the name of an address or a catch-all in messages.
func Label(local, domain string) string {
	if local == "" {
		return "the catch-all of " + domain
	}
	return local + "@" + domain
}

func findLists(m *inventory.Model) *listed {
	l := &listed{
		listings: make([]Listing, 0, len(m.Lists)),
		labels:   make([]string, len(m.Lists)), places: make([]diag.Pos, len(m.Lists)),
	}
	for _, role := range m.Defaults.Roles {
		l.add(&role.To, role.Local, "")
	}
	l.add(&m.Defaults.CatchAll, "", "")
	for i := range m.Domains {
		d := &m.Domains[i]
		if !d.Enabled || d.Backup {
			continue
		}
		for _, layer := range [][]inventory.Address{d.Addresses, d.Roles} {
			for i := range layer {
				if a := &layer[i]; a.To.Kind == inventory.ToList {
					l.add(&a.To, a.Local, d.Name)
				}
			}
		}
		l.add(&d.CatchAll, "", d.Name)
	}
	for i := range m.Users {
		u := &m.Users[i]
		if u.Forward.Kind == inventory.ToList && l.labels[u.Forward.Index] == "" {
			l.labels[u.Forward.Index], l.places[u.Forward.Index] = "user "+u.Name.Text, u.Forward.Pos
		}
	}
	return l
}

func (l *listed) add(t *inventory.Target, local, domain string) {
	if t.Kind != inventory.ToList || l.labels[t.Index] != "" {
		return
	}
	label := Label(local, domain)
	switch {
	case domain != "":
	case local != "":
		label = "role " + local
	default:
		label = "the default catch-all"
	}
	l.labels[t.Index], l.places[t.Index] = label, t.Pos
	l.listings = append(l.listings, Listing{List: int(t.Index), Local: local, Domain: domain, Label: label, Pos: t.Pos})
}
