package page

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// A choice is what the data have of an inventory. With Document.Only these are the domains
// that were chosen, and of the rest no more than the way of their mail needs: a domain that
// one of them copies or hands on to, single addresses, users and local aliases. The senders
// are those of chosen domains that send.
type choice struct {
	model   *inventory.Model
	domains []int              // those in the data, in order
	at      map[int]int        // the index in the data of a domain
	chosen  map[int]bool       // domains that the document is about
	parts   map[int]*part      // the domains in the data
	roles   bool               // the defaults were followed
	whole   bool               // all users and local aliases are in the data
	users   map[uint32]bool    // by their index
	aliases map[uint32]bool    // by their index
	lists   map[uint32]bool    // lists that were followed
	seen    map[addressID]bool // addresses that were followed
	sending map[int]bool       // chosen domains that send, and those that they copy
	senders map[string]bool    // users who are senders there
}

// A part is what the data have of a domain.
type part struct {
	all, catchAll bool
	keys          map[string]bool // without all
}

type addressID struct {
	domain int
	local  string
}

// choose returns the choice of a document.
func (d *Document) choose() *choice {
	c := &choice{model: d.Model, at: map[int]int{}, chosen: map[int]bool{}, parts: map[int]*part{}, users: map[uint32]bool{}, aliases: map[uint32]bool{},
		lists: map[uint32]bool{}, seen: map[addressID]bool{}, sending: map[int]bool{}, senders: map[string]bool{}, whole: d.Only == nil}
	for i := range d.Model.Domains {
		switch {
		case d.Only == nil:
			c.chosen[i], c.parts[i] = true, &part{all: true, catchAll: true}
		case slices.Contains(d.Only, d.Model.Domains[i].Name):
			c.chosen[i] = true
			c.domain(i)
		}
	}
	for i := range d.Model.Domains {
		if c.parts[i] != nil {
			c.at[i] = len(c.domains)
			c.domains = append(c.domains, i)
		}
		if c.chosen[i] && sends(&d.Model.Domains[i]) {
			c.sendsFrom(i)
		}
	}
	return c
}

// has reports whether an address of a domain is in the data.
func (c *choice) has(domain int, a *inventory.Address) bool {
	p := c.parts[domain]
	return p.all || p.keys[a.Local]
}

// source returns the index in the data of the domain that a domain copies, or -1.
func (c *choice) source(domain int) int {
	if i := c.model.Domains[domain].Source; i >= 0 {
		return c.at[i]
	}
	return -1
}

func (c *choice) part(i int) *part {
	if c.parts[i] == nil {
		c.parts[i] = &part{keys: map[string]bool{}}
	}
	return c.parts[i]
}

// domain adds a domain with all of its addresses.
func (c *choice) domain(i int) {
	p, d := c.part(i), &c.model.Domains[i]
	if p.all {
		return
	}
	p.all = true
	c.addresses(d.Addresses)
	c.addresses(d.Roles)
	if d.Source >= 0 {
		c.domain(d.Source)
	}
	c.defaults()
	c.catchAll(i)
}

func (c *choice) addresses(all []inventory.Address) {
	for i := range all {
		c.target(&all[i].To)
	}
}

// defaults adds the roles of the defaults, which every domain may have.
func (c *choice) defaults() {
	if !c.roles {
		c.roles = true
		c.addresses(c.model.Defaults.Roles)
	}
}

// catchAll adds the catch-all of a domain, which may be that of its source or of the
// defaults.
func (c *choice) catchAll(i int) {
	for ; i >= 0; i = c.model.Domains[i].Source {
		if to := &c.model.Domains[i].CatchAll; to.Kind != inventory.NoTarget {
			c.part(i).catchAll = true
			c.target(to)
			return
		}
	}
	c.target(&c.model.Defaults.CatchAll)
}

func (c *choice) target(t *inventory.Target) {
	switch t.Kind {
	case inventory.ToUser:
		c.user(t.Index)
	case inventory.ToAlias:
		c.aliases[t.Index] = true
	case inventory.ToAddress:
		c.address(t.Text)
	case inventory.ToPattern:
		c.wholeOf(t.Text[strings.LastIndexByte(t.Text, '@')+1:])
	case inventory.ToDomain:
		c.wholeOf(t.Text)
	case inventory.ToLocal:
		c.whole = true
	case inventory.ToList:
		c.list(t.Index)
	}
}

func (c *choice) user(i uint32) {
	if !c.users[i] {
		c.users[i] = true
		c.target(&c.model.Users[i].Forward)
	}
}

func (c *choice) list(i uint32) {
	if c.lists[i] {
		return
	}
	c.lists[i] = true
	l := &c.model.Lists[i]
	for j := range l.Members {
		c.target(&l.Members[j])
	}
	c.target(&l.BouncesTo)
}

// wholeOf adds all of a domain, to which names are handed on that nobody knows yet.
func (c *choice) wholeOf(domain string) {
	folded, problem := mailaddr.FoldDomain(domain)
	if problem != nil {
		return
	}
	if i, served := c.model.Serves(c.model.Meant(folded)); served {
		c.domain(i)
	} else if c.model.IsHostName(folded) {
		c.whole = true
	}
}

// address adds what mail for an address needs: the keys that may match it, and where they
// lead.
func (c *choice) address(addr string) {
	local, domain, _ := mailaddr.Split(addr)
	i, served := c.model.Serves(c.model.Meant(domain))
	switch {
	case served:
		c.local(i, local)
	case c.model.IsHostName(domain):
		c.account(local)
	}
}

// account adds a name that is left to the server.
func (c *choice) account(local string) {
	name, _, _ := strings.Cut(local, "+")
	if i, ok := c.model.User(name); ok {
		c.users[uint32(i)] = true // its forward is that of the server's aliases
	}
	if i, ok := c.model.LocalAlias(name); ok {
		c.aliases[uint32(i)] = true
	}
}

// local adds the addresses of a domain that a local part, or one with a detail, matches.
func (c *choice) local(i int, local string) {
	if id := (addressID{i, local}); c.seen[id] {
		return
	} else {
		c.seen[id] = true
	}
	c.defaults()
	user, _, _ := strings.Cut(local, "+")
	listed := false
	for _, key := range []string{local, user, user + "++", user + "+*", "++", "+*"} {
		listed = c.key(i, key) && (key == local || key == user) || listed
	}
	if !listed {
		c.catchAll(i)
	}
}

// key adds a key of a domain and of those that it copies. It reports whether one of them
// lists the key.
func (c *choice) key(i int, key string) (listed bool) {
	for ; i >= 0; i = c.model.Domains[i].Source {
		d, p := &c.model.Domains[i], c.part(i)
		for _, all := range [][]inventory.Address{d.Addresses, d.Roles} {
			a, ok := inventory.Find(all, key, inventory.ParseForm(key))
			if !ok {
				continue
			}
			if p.keys != nil {
				p.keys[key] = true
			}
			c.target(&a.To)
			listed = listed || a.To.Kind != inventory.Removed
		}
	}
	return listed
}
