// Package change compares two sets of files in outcomes: what becomes of each
// address before and after. It looks at every key whose row differs, or leads
// to an alias or an address that may differ, and asks the Router of both sets
// about an address that the key matches.
package change

import (
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/fileset"
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
	Old, New virtuser.Outcome
	CatchAll bool // the new outcome is that of the domain's catch-all
}

// A Side is one of the two sets.
type Side struct {
	Router  *virtuser.Router
	EachRow func(func(key, value []byte) error) error
	Names   []string // of class w and the relayed domains
}

// Of gives the side of an inventory.
func Of(s fileset.Source) Side {
	table := s.Compiled.Table
	each := func(row func(key, value []byte) error) error {
		for i := range table.Len() {
			if err := row(table.Row(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return Side{Router: s.Router(), EachRow: each, Names: s.Names()}
}

// Installed gives the side of installed files. The server's own aliases are the
// same before and after, and no part of it.
func Installed(set *fileset.Installed) Side {
	r := *set.Router
	r.Aliases = set.OwnAliases()
	return Side{Router: &r, EachRow: set.EachRow, Names: set.Names()}
}

// Nothing is a side without anything.
func Nothing(host string) Side {
	no := func([]byte) ([]byte, bool, error) { return nil, false, nil }
	none := func(string) bool { return false }
	r := &virtuser.Router{Host: host, ClassW: none, Rows: no, Account: none}
	return Side{Router: r.Ready(), EachRow: func(func(key, value []byte) error) error { return nil }}
}

// Compare gives what differs between two sides.
func Compare(old, next Side) (Change, error) {
	before, err := old.rows()
	if err != nil {
		return Change{}, err
	}
	after, err := next.rows()
	if err != nil {
		return Change{}, err
	}
	sameAccounts(before, &old, &next)
	c := comparer{old: old, next: next, domains: map[string]*Domain{}, aliases: map[string]bool{}}
	c.names()
	for _, r := range before {
		if r.local != "" && (old.Router.ClassW(r.domain) || relayed(old.Router, r.domain)) { // not of one that left before
			c.Before++
		}
	}
	merge(before, after, c.key)
	for _, d := range c.domains {
		if d.State != Changed || len(d.Addresses) > 0 {
			c.Domains = append(c.Domains, *d)
		}
	}
	slices.SortFunc(c.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return c.Change, nil
}

// sameAccounts gives both routers the same accounts: those of the new side,
// and what the old rows lead to. An account that left the inventory with its
// last address was one before.
func sameAccounts(rows []row, old, next *Side) {
	known, followed := map[string]bool{}, map[string]bool{}
	var note func(right string)
	note = func(right string) {
		if strings.ContainsAny(right, "@:%/|") || followed[right] {
			return
		}
		followed[right] = true
		name, _, _ := strings.Cut(right, "+")
		known[name] = true
		for member := range strings.SplitSeq(old.alias(right), ",") {
			if member = strings.TrimSpace(member); member != "" {
				note(member)
			}
		}
	}
	for _, r := range rows {
		note(r.right)
	}
	account := next.Router.Account
	both := func(name string) bool { return known[name] || account(name) }
	a, b := *old.Router, *next.Router
	a.Account, b.Account = both, both
	old.Router, next.Router = &a, &b
}

func relayed(r *virtuser.Router, domain string) bool { return r.Relayed != nil && r.Relayed(domain) }

// role reports whether a domain is delivered here and whether it is relayed.
func role(r *virtuser.Router, domain string) [2]bool {
	return [2]bool{r.ClassW(domain), relayed(r, domain)}
}

// A row is a key with its right side.
type row struct{ domain, local, right string }

// rows are those of a side, sorted by domain and key.
func (s Side) rows() ([]row, error) {
	var all []row
	err := s.EachRow(func(key, value []byte) error {
		local, domain, ok := strings.Cut(strings.TrimSuffix(string(key), "\x00"), "@")
		if ok {
			all = append(all, row{domain, local, strings.TrimSuffix(string(value), "\x00")})
		}
		return nil
	})
	slices.SortFunc(all, compareRows)
	return all, err
}

func compareRows(a, b row) int {
	return cmp.Or(strings.Compare(a.domain, b.domain), strings.Compare(a.local, b.local))
}

// merge gives every key once, with its right sides; nil where there is none.
func merge(old, next []row, key func(k row, old, next *row)) {
	for len(old) > 0 || len(next) > 0 {
		switch {
		case len(next) == 0 || len(old) > 0 && compareRows(old[0], next[0]) < 0:
			key(old[0], &old[0], nil)
			old = old[1:]
		case len(old) == 0 || compareRows(old[0], next[0]) > 0:
			key(next[0], nil, &next[0])
			next = next[1:]
		default:
			key(next[0], &old[0], &next[0])
			old, next = old[1:], next[1:]
		}
	}
}

type comparer struct {
	Change
	old, next Side
	domains   map[string]*Domain
	aliases   map[string]bool // whether a name leads to the same in both
}

func (c *comparer) domain(name string) *Domain {
	d := c.domains[name]
	if d == nil {
		d = &Domain{Name: name, State: Changed}
		c.domains[name] = d
	}
	return d
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
func (c *comparer) key(k row, old, next *row) {
	d := c.domain(k.domain)
	if old != nil && k.local != "" {
		d.Before++
	}
	if next != nil && k.local != "" {
		d.After++
	}
	if d.State != Changed {
		return
	}
	sameRow := old != nil && next != nil && old.right == next.right && role(c.old.Router, k.domain) == role(c.next.Router, k.domain)
	if sameRow && c.final(old.right) {
		return
	}
	addr, made := k.example(c.old.Router, c.next.Router)
	a := Address{Key: k.local + "@" + k.domain, Kind: Changed, Old: c.old.Router.Route(addr), New: c.next.Router.Route(addr)}
	if same(&a.Old, &a.New) {
		return
	}
	if made != "" {
		generalize(&a.Old, made)
		generalize(&a.New, made)
	}
	switch {
	case old == nil:
		a.Kind = Added
	case next == nil:
		a.Kind = Removed
		a.CatchAll = a.New.Taken() && k.local != ""
	}
	d.Addresses = append(d.Addresses, a)
}

// final reports whether a right side leads to the same end in both sets
// whatever else differs.
func (c *comparer) final(right string) bool {
	if strings.HasPrefix(right, "error:") {
		return true
	}
	if at := strings.LastIndexByte(right, '@'); at >= 0 {
		domain := right[at+1:]
		return !c.old.Router.ClassW(domain) && !c.next.Router.ClassW(domain)
	}
	return c.sameAlias(right)
}

// sameAlias reports whether a name leads to the same members in both sets, and
// these too.
func (c *comparer) sameAlias(name string) bool {
	same, known := c.aliases[name]
	if known {
		return same
	}
	c.aliases[name] = true // a circle is no difference
	members := c.old.alias(name)
	same = members == c.next.alias(name)
	for member := range strings.SplitSeq(members, ",") {
		if member = strings.TrimSpace(member); same && member != "" && !strings.ContainsAny(member, "@/|:") {
			same = c.sameAlias(member)
		}
	}
	c.aliases[name] = same
	return same
}

// alias gives the members of an alias; empty when there is none.
func (s Side) alias(name string) string {
	if s.Router.Aliases == nil {
		return ""
	}
	for _, key := range []string{name, name + "\x00"} {
		if value, ok, err := s.Router.Aliases([]byte(key)); ok && err == nil {
			return strings.TrimSuffix(string(value), "\x00")
		}
	}
	return ""
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
func generalize(o *virtuser.Outcome, made string) {
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
func same(a, b *virtuser.Outcome) bool {
	if a.Taken() != b.Taken() {
		return false
	}
	if a.Taken() {
		return slices.Equal(a.Recipients, b.Recipients)
	}
	return a.Code == b.Code && a.Status == b.Status && a.Text == b.Text
}
