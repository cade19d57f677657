// Package change compares two sets of files of one mail server by outcomes: what
// happens to mail for each address before and after. It looks at every key whose row
// differs, or whose value may lead to another end. It asks both sets about an address
// that matches the key.
package change

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// A Kind says what happened to an address or a domain.
type Kind string

// Kinds of an Address and states of a Domain.
const (
	Added   Kind = "added"   // the address was not listed before
	Removed Kind = "removed" // the address is no longer listed
	Changed Kind = "changed" // the mail goes elsewhere
	New     Kind = "new"     // the domain was not served before
	Gone    Kind = "gone"    // the domain is no longer served
)

// A Change has all differences, by domain.
type Change struct {
	Domains []Domain // sorted
	Before  int      // number of addresses in the old set
	Drift   []string // contradictions between the installed files

	Senders  []Sender // who got or lost a right to send, by address and user
	Logins   Kind     // Added: users who log in are checked from now on; Removed: not any more
	Unsigned []string // domains whose mail was signed

	old mapfile.Rows
}

// Had reports whether the old set had a key, as the server reads the set. A row of a
// text does not count if the map does not have it.
func (c *Change) Had(key string) bool { return mta.HasRow(c.old, key) }

// A Domain is a domain with differences.
type Domain struct {
	Name      string
	State     Kind // New, Gone or Changed
	Before    int  // number of listed addresses in the old set
	After     int  // number of listed addresses in the new set
	Addresses []Address
}

// An Address is a key whose outcome differs.
type Address struct {
	Key      string // user@domain, user+*@domain, @domain
	Kind     Kind
	Old, New outcome.Outcome
	CatchAll bool // the new outcome is the one of the domain's catch-all
}

// Compare returns the differences between two sets. The error is that the sets could
// not be read.
func Compare(pair mta.Pair) (Change, error) {
	c := comparer{pair: pair, domains: map[string]*domain{}, served: map[string]bool{}}
	var err error
	if c.old, err = pair.Old.Rows(); err != nil {
		return Change{}, err
	}
	if c.next, err = pair.Next.Rows(); err != nil {
		return Change{}, err
	}
	c.names()
	differing := c.differing()
	slices.SortFunc(differing, func(a, b row) int {
		return cmp.Or(strings.Compare(a.domain, b.domain), strings.Compare(a.local, b.local))
	})
	for _, k := range differing {
		c.key(k)
	}
	for _, d := range c.domains {
		if d.State != Changed || len(d.Addresses) > 0 {
			c.Domains = append(c.Domains, d.Domain)
		}
	}
	slices.SortFunc(c.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	c.Change.old = c.old
	return c.Change, c.senders()
}

type comparer struct {
	Change
	pair      mta.Pair
	old, next mapfile.Rows
	served    map[string]bool // domains of the old set
	domains   map[string]*domain
	last      *domain // domain of the previous row
}

// A domain has the results for one domain while rows are compared.
type domain struct {
	Domain
	served   bool // by the old set
	sameRole bool // the domain has the same role in both sets
}

func (c *comparer) domain(name string) *domain {
	d := c.domains[name]
	if d == nil {
		d = &domain{Domain: Domain{Name: name, State: Changed}, served: c.served[name], sameRole: c.pair.SameRole(name)}
		c.domains[name] = d
	}
	return d
}

// domainOf returns the domain of a key. address is false for the catch-all.
func (c *comparer) domainOf(key []byte) (d *domain, address bool) {
	at := bytes.IndexByte(key, '@')
	if name := key[at+1:]; c.last == nil || c.last.Name != string(name) {
		c.last = c.domain(string(name))
	}
	return c.last, at > 0
}

// names finds the domains that are new or gone.
func (c *comparer) names() {
	is := map[string]bool{}
	for name := range mta.Domains(c.pair.Old) {
		c.served[name] = true
	}
	for name := range mta.Domains(c.pair.Next) {
		is[name] = true
		if !c.served[name] {
			c.domain(name).State = New
		}
	}
	for name := range c.served {
		if !is[name] {
			c.domain(name).State = Gone
		}
	}
}

// key compares the outcomes of one key.
func (c *comparer) key(k row) {
	addr, made := c.example(k)
	was, _ := c.pair.Old.Route(addr)
	is, _ := c.pair.Next.Route(addr)
	a := Address{Key: k.local + "@" + k.domain, Kind: Changed, Old: was, New: is}
	if same(&a.Old, &a.New) {
		return
	}
	if made != "" {
		generalize(&a.Old, made)
		generalize(&a.New, made)
	}
	switch {
	case !k.old:
		a.Kind = Added
	case !k.next:
		a.Kind = Removed
		a.CatchAll = a.New.Taken && k.local != ""
	}
	d := c.domain(k.domain)
	d.Addresses = append(d.Addresses, a)
}

// example returns an address for which a key is the first match. made is the invented
// name in it; empty if the key is an address itself.
func (c *comparer) example(k row) (addr, made string) {
	made = inventory.Unlisted(func(name string) bool {
		key := name + "@" + k.domain
		return mta.HasRow(c.old, key) || mta.HasRow(c.next, key)
	})
	local := inventory.Samples{User: made, Detail: made}.Of(k.local)
	if local == k.local {
		made = ""
	}
	return local + "@" + k.domain, made
}

// generalize replaces the invented name by *.
func generalize(o *outcome.Outcome, made string) {
	for i, r := range o.Recipients {
		o.Recipients[i] = strings.ReplaceAll(r, made, "*")
	}
}

// same reports whether a sender and a recipient see no difference.
func same(a, b *outcome.Outcome) bool {
	if a.Taken != b.Taken {
		return false
	}
	if a.Taken {
		return slices.Equal(a.Recipients, b.Recipients)
	}
	return a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}
