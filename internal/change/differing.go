package change

import (
	"bytes"
	"hash/maphash"
	"strings"
)

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
	err := c.next.each(is.add)
	if err != nil {
		return nil, err
	}
	err = c.old.each(func(key, value []byte) {
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
	})
	if err != nil {
		return nil, err
	}
	err = c.next.each(func(key, value []byte) {
		d, address := c.domainOf(key)
		if address {
			d.After++
		}
		if _, differs := found[string(key)]; d.State == Changed && (differs || !was.has(key, value)) {
			rowOf(found, key).next = true
		}
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

// each gives every row that is an address or a catch-all; a key without an @
// matches nothing.
func (s Side) each(do func(key, value []byte)) error {
	return s.EachRow(func(key, value []byte) error {
		if key = trimmed(key); bytes.IndexByte(key, '@') >= 0 {
			do(key, trimmed(value))
		}
		return nil
	})
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
