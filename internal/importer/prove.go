package importer

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/parallel"
	"virtmap/inventory"
)

// A Difference is an address with another outcome.
type Difference struct {
	Address  string
	Old, New outcome.Outcome
	Why      string // the reason; empty: it is not known
	Harmless bool   // only the text of a refusal or the case of names on this server differs

	steps []outcome.Step // by the old files: the rows that matched
}

// A Proof is the comparison of all addresses by the old and the new files.
type Proof struct {
	Compared int          // number of addresses
	Found    []Difference // sorted by domain
}

// Prove compares the outcomes of addresses by the files of the server and by those that
// the inventory built. The addresses are those of every row, also with a detail and with
// one letter more, and at every domain some that are not listed. Both sides have the
// same aliases and accounts of the server. The sets are not asked about an address
// whose rows are the same and lead to the same recipients.
func (s *Server) Prove(inv *Inventory, built mta.Set) (Proof, error) {
	both, err := s.beside(built)
	if err != nil {
		return Proof{}, err
	}
	return both.prove(inv, both.settle()), nil
}

// A pair is a server with its old files and with the built ones.
type pair struct {
	mta.Pair
	was, is mapfile.Rows
	lost    []string // keys of rows that the server reads and no inventory can have
	domains []string // domains that either side accepts or relays
}

func (s *Server) beside(built mta.Set) (*pair, error) {
	if err := s.readRows(); err != nil {
		return nil, err
	}
	sets, err := s.Pair(built)
	if err != nil {
		return nil, err
	}
	rows, err := sets.Next.Rows()
	if err != nil {
		return nil, err
	}
	domains := slices.AppendSeq([]string{s.facts.Host}, mta.Domains(sets.Old))
	domains = slices.AppendSeq(domains, mta.Domains(built))
	domains = slices.DeleteFunc(domains, isLiteral) // the server takes its own addresses whatever the files say
	slices.Sort(domains)
	lost := slices.Sorted(maps.Keys(s.lost()))
	return &pair{Pair: sets, was: s.rows, is: rows, lost: lost, domains: slices.Compact(domains)}, nil
}

// Addresses returns the addresses that Prove compares, each once.
func (s *Server) Addresses(built mta.Set) ([]string, error) {
	both, err := s.beside(built)
	if err != nil {
		return nil, err
	}
	known := both.settle()
	known.forget()
	var all []string
	both.each(known, func(n int, addresses func(i int, c *comparing)) {
		c := comparing{Pair: both.Pair, list: &all}
		for i := range n {
			addresses(i, &c)
		}
	})
	slices.SortFunc(all, func(a, b string) int { return inventory.CompareKeys([]byte(a), []byte(b)) })
	return slices.Compact(all), nil
}

// Compare compares outcomes that come from another program.
func (s *Server) Compare(inv *Inventory, addresses []string, old, next []outcome.Outcome) Proof {
	p := Proof{Compared: len(addresses)}
	for i, addr := range addresses {
		d := Difference{Address: addr, Old: old[i], New: next[i]}
		if !d.compare() || d.refusedStill() {
			continue
		}
		_, d.steps = s.Route(addr)
		d.Why = inv.reason(&d)
		p.Found = append(p.Found, d)
	}
	return p
}

func (p *pair) prove(inv *Inventory, known *settled) (proof Proof) {
	p.each(known, func(n int, addresses func(i int, c *comparing)) { p.compare(&proof, n, addresses) })
	for i := range proof.Found {
		proof.Found[i].Why = inv.reason(&proof.Found[i])
	}
	order := func(a, b Difference) int { return inventory.CompareKeys([]byte(a.Address), []byte(b.Address)) }
	slices.SortFunc(proof.Found, order)
	same := func(a, b Difference) bool { return a.Address == b.Address } // an address with one letter more may be listed too
	proof.Found = slices.CompactFunc(proof.Found, same)
	return proof
}

// isLiteral reports whether a name is an address in brackets.
func isLiteral(name string) bool { return strings.HasPrefix(name, "[") }

// refusedStill reports whether mail is refused on both sides, at a domain that an
// inventory cannot have.
func (d *Difference) refusedStill() bool {
	_, domain, _ := strings.Cut(d.Address, "@")
	return !d.Old.Taken && !d.New.Taken && mta.Unsayable(domain) != ""
}

// each calls do with the rows of the old table, the added rows, the lost rows, and the
// domains. n is
// their number, and addresses compares the addresses of number i.
func (p *pair) each(known *settled, do func(n int, addresses func(i int, c *comparing))) {
	do(p.was.Len(), func(i int, c *comparing) {
		key, _ := p.was.Row(i)
		c.near(key, known.row(i, key), known)
	})
	do(len(known.added), func(i int, c *comparing) {
		key, _ := p.is.Row(known.added[i])
		c.near(key, false, known)
	})
	do(len(p.lost), func(i int, c *comparing) { c.near([]byte(p.lost[i]), false, known) })
	do(len(p.domains), func(i int, c *comparing) {
		for _, local := range unlisted {
			key := local + "@" + p.domains[i]
			if !mta.HasRow(p.is, key) && !mta.HasRow(p.was, key) {
				same := known.missed([]byte(p.domains[i])) && !p.hasDetail(local, p.domains[i])
				c.near([]byte(key), same, known)
			}
		}
	})
}

// leastCompared is the number of rows from which a second processor pays.
const leastCompared = 1000

// compare compares the addresses of n rows or domains.
func (p *pair) compare(proof *Proof, n int, addresses func(i int, c *comparing)) {
	parts := make([]comparing, parallel.Parts(n, leastCompared))
	_ = parallel.Ranges(n, leastCompared, func(part, from, to int) error {
		mine := comparing{Pair: p.Pair}
		for i := from; i < to; i++ {
			addresses(i, &mine)
		}
		parts[part] = mine
		return nil
	})
	for i := range parts {
		proof.Compared += parts[i].Compared
		proof.Found = append(proof.Found, parts[i].Found...)
	}
}

// hasDetail reports whether there are old rows of a user with a detail.
func (p *pair) hasDetail(local, domain string) bool {
	return mta.HasRow(p.was, local+"++@"+domain) || mta.HasRow(p.was, local+"+*@"+domain) || mta.HasRow(p.was, local+"+detail@"+domain)
}

// A comparing compares a part of the addresses.
type comparing struct {
	Proof
	mta.Pair
	list *[]string // if not nil, addresses are appended here and not compared
}

// unlisted are local parts that a domain may not list.
var unlisted = []string{"", "+*", "++", "root", "postmaster", "abuse"}

// near compares the addresses of a key, and addresses that nearly match. same is true
// when those of the key are settled.
func (c *comparing) near(key []byte, same bool, known *settled) {
	at := bytes.IndexByte(key, '@')
	missed := known.missed(key[at+1:])
	plain := at > 0 && bytes.IndexByte(key[:at], '+') < 0
	if plain && same && missed {
		c.Compared += 3 // the address, with a detail, with a letter
		return
	}
	for _, addr := range examples(string(key)) {
		c.address(addr, same)
	}
	if !plain {
		return
	}
	local, domain := string(key[:at]), string(key[at:])
	c.address(local+"+detail"+domain, same)
	c.address(local+"q"+domain, missed || same && !c.Aliased(local+"q"))
}

// address compares an address, unless it is settled, which same says.
func (c *comparing) address(addr string, same bool) {
	if c.list != nil {
		*c.list = append(*c.list, addr)
		return
	}
	c.Compared++
	if same {
		return
	}
	d := c.difference(addr)
	if differs := d.compare(); differs && !d.refusedStill() {
		c.Found = append(c.Found, d)
	}
}

// difference returns the outcomes of an address on both sides, equal or not.
func (c *comparing) difference(addr string) Difference {
	was, steps := c.Old.Route(addr)
	is, _ := c.Next.Route(addr)
	return Difference{Address: addr, Old: was, New: is, steps: steps}
}

// compare reports whether the two outcomes differ, and sets Harmless.
func (d *Difference) compare() bool {
	switch {
	case d.Old.NotOurs && d.New.NotOurs:
		return false
	case d.Old.Taken != d.New.Taken:
		d.Harmless = d.Returned() && d.New.Code >= 500
		return true
	case d.Old.Taken:
		d.Harmless = sameButCase(d.Old.Recipients, d.New.Recipients)
		return !slices.EqualFunc(d.Old.Recipients, d.New.Recipients, sameRecipient)
	case d.Old.Code != d.New.Code || d.Old.Status != d.New.Status:
		return true
	}
	d.Harmless = tableless(d.Old.Text) != tableless(d.New.Text)
	return d.Harmless
}

// tableless returns the text of a refusal in the words of an inventory: some servers add the
// name of the table in which a user is unknown, or have other words for it.
func tableless(text string) string {
	if strings.HasPrefix(text, unknownUser+" in ") || text == "Invalid recipient" {
		return unknownUser
	}
	return text
}

// Returned reports whether the server took the mail, and then returned it to the sender.
func (d *Difference) Returned() bool { return d.Old.Taken && len(d.Old.Recipients) == 0 }

// reason returns why an outcome differs, or an empty text.
func (inv *Inventory) reason(d *Difference) string {
	for _, step := range d.steps {
		if why := inv.why[mailaddr.Lower(step.Key)]; why != "" && step.Hit {
			return why
		}
	}
	if inv.because != nil {
		if why := inv.because(d.Address, d.Old, d.New); why != "" {
			return why
		}
	}
	_, domain, ok := strings.Cut(d.Address, "@")
	switch {
	case ok && mta.Unsayable(domain) != "":
		return "the domain is not imported: " + mta.Unsayable(domain)
	case d.Old.Taken && len(d.Old.Recipients) == 0 && !d.New.Taken:
		return "every member of the list is refused, and now the address is"
	case !d.Old.Taken && d.New.Taken && len(d.New.Recipients) == 0:
		return "the server of the inventory takes its mail and returns it to the sender: list the address, or give the name an alias"
	case d.Harmless && d.Old.Taken && !sameButLetters(d.Old.Recipients, d.New.Recipients):
		if detailed(d.New.Recipients) > detailed(d.Old.Recipients) {
			return "only the detail behind the + of a name on this server differs: it is passed on now"
		}
		return "only the detail behind the + of a name on this server differs: it is not passed on now"
	case d.Harmless && d.Old.Taken:
		return "names on this server are written in lower case"
	case d.Harmless:
		return "no inventory can have the old text"
	case !d.Old.Taken && !d.New.Taken && d.Old.Code == d.New.Code && !strings.HasPrefix(d.Old.Status, strconv.Itoa(d.Old.Code/100)):
		return "the status agrees with the reply code now"
	}
	return ""
}

// Harmless reports whether all differences are harmless.
func (p *Proof) Harmless() bool {
	return !slices.ContainsFunc(p.Found, func(d Difference) bool { return !d.Harmless })
}
