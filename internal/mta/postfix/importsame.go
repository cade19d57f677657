package postfix

import (
	"bytes"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// A settling finds values that lead to the same recipients in an imported server and in the
// files that its inventory built.
type settling struct {
	s       *imported
	next    *Installed
	unequal map[string]bool // domains of which a row is in one of the tables alone, or leads to such a domain
	passes  map[string]bool // by domain: its mail leaves this server on both sides, or goes to its accounts
}

// newSettling compares the rows of both sides. rows are those of the built files. A row
// that Postfix reads and that no inventory can have is on the old side alone.
func newSettling(s *imported, next *Installed, rows mapfile.Rows) *settling {
	c := &settling{s: s, next: next, unequal: map[string]bool{}, passes: map[string]bool{}}
	c.compare(&s.rows, rows)
	for _, dead := range s.facts.Dead {
		if dead.Read {
			c.unequal[string(keyDomain([]byte(mailaddr.Lower(dead.Key))))] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for i := range s.rows.Len() {
			key, value := s.rows.Row(i)
			if domain := keyDomain(key); !c.unequal[string(domain)] && !c.same(value) {
				c.unequal[string(domain)], changed = true, true
			}
		}
	}
	return c
}

// refusesDomain reports whether the files of a build refuse all names of a domain that they do
// not list, or may do so: the table cannot be opened or read.
func (s *Installed) refusesDomain(domain string) bool {
	t, err := s.tableOf(fileAccess, "smtpd_recipient_restrictions")
	if t == nil {
		return err != nil
	}
	_, ok, err := t.Find(domain)
	return ok || err != nil
}

// keyDomain returns the domain of an address or of a key.
func keyDomain(key []byte) []byte { return key[bytes.LastIndexByte(key, '@')+1:] }

// compare finds the domains whose rows are not the same on both sides.
func (c *settling) compare(old, next mapfile.Rows) {
	i, j := 0, 0
	for i < old.Len() || j < next.Len() {
		order := 0
		var was, is, value, now []byte
		switch {
		case i == old.Len():
			order, is = 1, keyOf(next, j)
		case j == next.Len():
			order, was = -1, keyOf(old, i)
		default:
			was, value = old.Row(i)
			is, now = next.Row(j)
			order = inventory.CompareKeys(was, is)
		}
		switch {
		case order < 0:
			c.unequal[string(keyDomain(was))] = true
			i++
		case order > 0:
			c.unequal[string(keyDomain(is))] = true
			j++
		default:
			if !bytes.Equal(value, now) || c.s.odd[string(was)] {
				c.unequal[string(keyDomain(was))] = true
			}
			i, j = i+1, j+1
		}
	}
}

// keyOf returns the key of a row.
func keyOf(rows mapfile.Rows, i int) []byte {
	key, _ := rows.Row(i)
	return key
}

// same reports whether mail to a value ends at the same recipients on both sides. Each of
// them is at another server, or an account, or an address of a domain that has the same rows
// on both sides and no accounts.
func (c *settling) same(value []byte) bool {
	if bytes.HasPrefix(value, []byte(refusedSign)) {
		return false
	}
	for to := range bytes.SplitSeq(value, []byte(", ")) {
		at := bytes.LastIndexByte(to, '@')
		if at <= 0 {
			return false
		}
		domain := to[at+1:]
		switch c.s.class[string(domain)] {
		case aliasClass, mailboxClass:
			if c.unequal[string(domain)] || bytes.IndexByte(to[:at], '+') >= 0 {
				return false
			}
		default:
			if !c.passed(string(domain)) || c.s.users[string(to[:at])] != nil {
				return false
			}
		}
	}
	return true
}

// passed reports whether mail for a domain leaves this server on both sides, or goes to its
// accounts.
func (c *settling) passed(domain string) bool {
	passes, known := c.passes[domain]
	if !known {
		passes = (c.s.class[domain] == elsewhere || domain == c.s.facts.Host && !c.s.hostRows) && c.next.passes(domain)
		c.passes[domain] = passes
	}
	return passes
}
