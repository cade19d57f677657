// Package change compares two sets of files in outcomes: what becomes of each
// address before and after. It looks at every key whose row differs, or leads
// to an alias or an address that may differ, and asks the Router of both sets
// about an address that the key matches.
package change

import (
	"bytes"
	"cmp"
	"hash/maphash"
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
	c := comparer{old: old, next: next, domains: map[string]*Domain{}, aliases: map[string]bool{}}
	c.names()
	accounts := accounts{old: old, known: map[string]bool{}, followed: map[string]bool{}}
	differing, err := c.differing(accounts.note)
	if err != nil {
		return Change{}, err
	}
	accounts.share(&c.old, &c.next)
	slices.SortFunc(differing, func(a, b row) int {
		return cmp.Or(strings.Compare(a.domain, b.domain), strings.Compare(a.local, b.local))
	})
	for _, k := range differing {
		c.key(k)
	}
	for _, d := range c.domains {
		if d.State != Changed || len(d.Addresses) > 0 {
			c.Domains = append(c.Domains, *d)
		}
	}
	slices.SortFunc(c.Domains, func(a, b Domain) int { return strings.Compare(a.Name, b.Name) })
	return c.Change, nil
}

// A row is a key whose outcome may differ, and in which sets it is.
type row struct {
	domain, local string
	old, next     bool
}

// differing gives the keys whose rows differ, or lead to what may, and counts
// the addresses of both sides. right is given every right side of the old one.
// A million rows are gone through without keeping them.
func (c *comparer) differing(right func([]byte)) ([]row, error) {
	seed := maphash.MakeSeed()
	was, is := rowSet{seed: seed, hashes: map[uint64]struct{}{}}, rowSet{seed: seed, hashes: map[uint64]struct{}{}}
	found := map[string]*row{}
	err := c.next.EachRow(func(key, value []byte) error {
		is.add(trimmed(key), trimmed(value))
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.old.EachRow(func(key, value []byte) error {
		key, value = trimmed(key), trimmed(value)
		was.add(key, value)
		right(value)
		d, address := c.domainOf(key)
		if address {
			d.Before++
			if c.taken(d.Name) { // not of one that left before
				c.Before++
			}
		}
		if d.State == Changed && (!is.has(key, value) || !c.final(d.Name, value)) {
			rowOf(found, key).old = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = c.next.EachRow(func(key, value []byte) error {
		key, value = trimmed(key), trimmed(value)
		d, address := c.domainOf(key)
		if address {
			d.After++
		}
		if _, differs := found[string(key)]; d.State == Changed && (differs || !was.has(key, value)) {
			rowOf(found, key).next = true
		}
		return nil
	})
	all := make([]row, 0, len(found))
	for _, r := range found {
		all = append(all, *r)
	}
	return all, err
}

// rowOf finds a row by its key, or makes it.
func rowOf(found map[string]*row, key []byte) *row {
	r := found[string(key)]
	if r == nil {
		local, domain, _ := strings.Cut(string(key), "@")
		r = &row{domain: domain, local: local}
		found[string(key)] = r
	}
	return r
}

// trimmed takes the NUL away that newaliases and makemap -N put behind.
func trimmed(text []byte) []byte { return bytes.TrimRight(text, "\x00") }

// A rowSet knows rows by a hash of 64 bits of key and right side.
type rowSet struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
	buffer []byte
}

func (s *rowSet) hash(key, value []byte) uint64 {
	s.buffer = append(append(append(s.buffer[:0], key...), 0), value...)
	return maphash.Bytes(s.seed, s.buffer)
}

func (s *rowSet) add(key, value []byte) { s.hashes[s.hash(key, value)] = struct{}{} }

func (s *rowSet) has(key, value []byte) bool { _, ok := s.hashes[s.hash(key, value)]; return ok }

// accounts are what the old rows lead to: an account that left the inventory
// with its last address was one before.
type accounts struct {
	old             Side
	known, followed map[string]bool
}

func (a *accounts) note(right []byte) {
	if a.followed[string(right)] || bytes.ContainsAny(right, "@:%/|") {
		return
	}
	a.followed[string(right)] = true
	name, _, _ := strings.Cut(string(right), "+")
	a.known[name] = true
	for member := range strings.SplitSeq(a.old.alias(string(right)), ",") {
		if member = strings.TrimSpace(member); member != "" {
			a.note([]byte(member))
		}
	}
}

// share gives both routers the same accounts: those of the new side, and these.
func (a *accounts) share(old, next *Side) {
	account := next.Router.Account
	both := func(name string) bool { return a.known[name] || account(name) }
	x, y := *old.Router, *next.Router
	x.Account, y.Account = both, both
	old.Router, next.Router = &x, &y
}

func relayed(r *virtuser.Router, domain string) bool { return r.Relayed != nil && r.Relayed(domain) }

// role reports whether a domain is delivered here and whether it is relayed.
func role(r *virtuser.Router, domain string) [2]bool {
	return [2]bool{r.ClassW(domain), relayed(r, domain)}
}

type comparer struct {
	Change
	old, next Side
	domains   map[string]*Domain
	aliases   map[string]bool // whether a name leads to the same in both

	lastDomain string // of final
	sameRole   bool
}

func (c *comparer) domain(name string) *Domain {
	d := c.domains[name]
	if d == nil {
		d = &Domain{Name: name, State: Changed}
		c.domains[name] = d
	}
	return d
}

// domainOf finds the domain of a key, and whether it is an address and not the
// catch-all.
func (c *comparer) domainOf(key []byte) (d *Domain, address bool) {
	at := bytes.IndexByte(key, '@')
	name := key[at+1:]
	if d = c.domains[string(name)]; d == nil {
		d = c.domain(string(name))
	}
	return d, at > 0
}

// taken reports whether the old set takes mail for a domain.
func (c *comparer) taken(domain string) bool {
	return c.old.Router.ClassW(domain) || relayed(c.old.Router, domain)
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
	a := Address{Key: k.local + "@" + k.domain, Kind: Changed, Old: c.old.Router.Route(addr), New: c.next.Router.Route(addr)}
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
		a.CatchAll = a.New.Taken() && k.local != ""
	}
	d := c.domain(k.domain)
	d.Addresses = append(d.Addresses, a)
}

// final reports whether a right side that both sets have leads to the same end
// in both, whatever else differs.
func (c *comparer) final(domain string, right []byte) bool {
	if domain != c.lastDomain {
		c.lastDomain, c.sameRole = domain, role(c.old.Router, domain) == role(c.next.Router, domain)
	}
	switch {
	case !c.sameRole:
		return false
	case bytes.HasPrefix(right, []byte("error:")):
		return true
	}
	if at := bytes.LastIndexByte(right, '@'); at >= 0 {
		to := string(right[at+1:])
		return !c.old.Router.ClassW(to) && !c.next.Router.ClassW(to)
	}
	if same, known := c.aliases[string(right)]; known {
		return same
	}
	return c.sameAlias(string(right))
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
