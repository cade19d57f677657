// Package change compares two sets of files in outcomes: what becomes of each
// address before and after. It looks at every key whose row differs, or leads
// to an alias or an address that may differ, and asks the Router of both sets
// about an address that the key matches.
package change

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/outcome"
	"virtmap/virtuser"
)

// A Kind is what happened to an address.
type Kind string

// Kinds of an Address and states of a Domain.
const (
	Added   Kind = "added"   // it was not listed
	Removed Kind = "removed" // it is listed no more
	Changed Kind = "changed" // it goes elsewhere
	New     Kind = "new"     // the domain was not served
	Gone    Kind = "gone"    // the domain is not served any more
)

// A Change is all that differs, by domain.
type Change struct {
	Domains []Domain // sorted
	Before  int      // addresses listed in the old set
	Drift   []string // where the installed files contradict each other

	old *virtuser.Table
}

// Had reports whether the old virtusertable had a key, as the server reads it: a
// row of a text that its map has not counts for nothing.
func (c *Change) Had(key string) bool {
	_, ok := c.old.Get([]byte(key))
	return ok
}

// A Domain is a domain with differences.
type Domain struct {
	Name      string
	State     Kind // New, Gone or Changed
	Before    int  // addresses that were listed
	After     int  // that are listed
	Addresses []Address
}

// An Address is a key whose outcome differs.
type Address struct {
	Key      string // user@domain, user+*@domain, @domain
	Kind     Kind
	Old, New outcome.Outcome
	CatchAll bool // the new outcome is that of the domain's catch-all
}

// A Side is one of the two sets.
type Side struct {
	Router *virtuser.Router
	Table  *virtuser.Table // sorted
	Names  []string        // of class w and the relayed domains
}

// Of gives the side of an inventory.
func Of(s fileset.Source) Side {
	return Side{Router: s.Router(), Table: s.Compiled.Table, Names: s.Names()}
}

// Installed gives the side of installed files. The server's own aliases are the
// same before and after, and no part of it.
func Installed(set *fileset.Installed) (Side, error) {
	r := *set.Router
	r.Aliases = set.OwnAliases()
	table, err := set.Table()
	return Side{Router: &r, Table: table, Names: set.Names()}, err
}

// Compare gives what differs between two sides.
func Compare(old, next Side) Change {
	c := comparer{old: old, next: next, ends: NewEnds(old.Router, next.Router), domains: map[string]*domain{}}
	c.names()
	differing := c.differing()
	shared := accounts{old: old}
	shared.share(&c.old, &c.next)
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
	c.Change.old = old.Table
	return c.Change
}

type comparer struct {
	Change
	old, next Side
	ends      *Ends
	domains   map[string]*domain
	last      *domain // of the row before
}

// A domain is what is known of one while the rows are compared.
type domain struct {
	Domain
	served   bool // by the old set
	sameRole bool // in both sets
}

func (c *comparer) domain(name string) *domain {
	d := c.domains[name]
	if d == nil {
		served := c.old.Router.ClassW(name) || relayed(c.old.Router, name)
		d = &domain{Domain: Domain{Name: name, State: Changed}, served: served, sameRole: c.ends.SameRole(name)}
		c.domains[name] = d
	}
	return d
}

// domainOf finds the domain of a key, and whether it is an address and not the
// catch-all.
func (c *comparer) domainOf(key []byte) (d *domain, address bool) {
	at := bytes.IndexByte(key, '@')
	if name := key[at+1:]; c.last == nil || c.last.Name != string(name) {
		c.last = c.domain(string(name))
	}
	return c.last, at > 0
}

// names finds the domains that come and go.
func (c *comparer) names() {
	was, is := map[string]bool{}, map[string]bool{}
	for _, name := range c.old.Names {
		was[name] = true
	}
	for _, name := range c.next.Names {
		is[name] = true
		if !was[name] {
			c.domain(name).State = New
		}
	}
	for _, name := range c.old.Names {
		if !is[name] {
			c.domain(name).State = Gone
		}
	}
}

// key compares what becomes of one key.
func (c *comparer) key(k row) {
	addr, made := k.example(c.old.Router, c.next.Router)
	was, is := c.old.Router.Route(addr), c.next.Router.Route(addr)
	a := Address{Key: k.local + "@" + k.domain, Kind: Changed, Old: was.Plain(), New: is.Plain()}
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

// example makes up an address that a key is the first to match. made is the
// name in it that stands for any.
func (k row) example(routers ...*virtuser.Router) (addr, made string) {
	made = "anything"
	for listed(made+"@"+k.domain, routers) {
		made += "x"
	}
	switch user, form := strings.TrimSuffix(strings.TrimSuffix(k.local, "+*"), "++"), k.local; {
	case form == "":
		return made + "@" + k.domain, made
	case form == "+*" || form == "++":
		return made + "+" + made + "@" + k.domain, made
	case user != form:
		return user + "+" + made + "@" + k.domain, made
	}
	return k.local + "@" + k.domain, ""
}

// generalize writes * for the name that was made up.
func generalize(o *outcome.Outcome, made string) {
	for i, r := range o.Recipients {
		o.Recipients[i] = strings.ReplaceAll(r, made, "*")
	}
}

func listed(key string, routers []*virtuser.Router) bool {
	return slices.ContainsFunc(routers, func(r *virtuser.Router) bool {
		_, ok, err := r.Rows([]byte(key))
		return ok && err == nil
	})
}

// same compares what a sender and a recipient notice.
func same(a, b *outcome.Outcome) bool {
	if a.Taken != b.Taken {
		return false
	}
	if a.Taken {
		return slices.Equal(a.Recipients, b.Recipients)
	}
	return a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}
