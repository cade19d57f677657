package postfix

import (
	"bytes"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/table"
)

// Set returns the set that the files would be once they are in place and main.cf has
// the lines for them.
func (b Build) Set() mta.Set {
	account := func(name string) bool {
		_, user := b.Model.User(name)
		_, alias := b.Model.LocalAlias(name)
		return user || alias
	}
	set, err := b.over(bare(b.Model.Host.MailDir.Text), mta.Host{Name: b.Model.Host.Name.Text, Account: account})
	if err != nil {
		panic("postfix: tables in memory: " + err.Error()) // only a fault of virtmap: no file is read
	}
	return set
}

// over returns the set of a build over the configuration of a server.
func (b Build) over(l *layout, host mta.Host) (*Installed, error) {
	return b.withLines(l, host, b.mainText())
}

// withLines returns the set of a build over the configuration of a server, which gets
// lines.
func (b Build) withLines(l *layout, host mta.Host, lines string) (*Installed, error) {
	with := *l
	with.config = l.config.Apply([]byte(lines))
	texts := map[string]mta.Text{}
	for i, text := range b.Texts() {
		texts[Files[i].Name] = text
	}
	s := newInstalled(&with, host, texts)
	s.lenient = true
	return s, s.start()
}

// compared prepares the comparison of two sets.
func compared(old, next *Installed) mta.Pair {
	pair := mta.NewPair(old, next)
	c := comparison{old: old, next: next, known: map[string]bool{}}
	pair.Same = c.same
	return pair
}

// A comparison finds values that lead to the same recipients in two sets.
type comparison struct {
	old, next *Installed

	mu    sync.Mutex
	known map[string]bool // by domain: its addresses leave this server in both sets
}

// same reports whether mail to a value ends at the same recipients in both sets: each
// of them is at another server, an account, or a mailbox with the same path.
func (c *comparison) same(value []byte) bool {
	for to := range bytes.SplitSeq(value, []byte(", ")) {
		if !c.sameRecipient(string(to)) {
			return false
		}
	}
	return true
}

func (c *comparison) sameRecipient(to string) bool {
	local, domain, ok := mailaddr.Split(to)
	if !ok || local == "" || strings.HasPrefix(local, aliasPrefix) || reserved(domain) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	same, known := c.known[domain]
	if !known {
		same = c.old.passes(domain) && c.next.passes(domain)
		c.known[domain] = same
	}
	return same
}

// passes reports whether mail for a domain leaves this server, or goes to its accounts.
func (s *Installed) passes(domain string) bool {
	for _, name := range []string{fileDomains, fileLocal} {
		if s.mayHave(name, domain) {
			return false
		}
	}
	return true
}

// mayHave reports whether a list of domains of virtmap has a key, or may have it: the list
// cannot be opened or read.
func (s *Installed) mayHave(file, key string) bool {
	t, err := s.tableOf(file, "virtual_alias_domains", "mydestination")
	if t == nil {
		return err != nil
	}
	_, ok, err := t.Find(key)
	return ok || err != nil
}

// tableOf opens the table of a file of virtmap that one of some parameters names; nil if
// none names it.
func (s *Installed) tableOf(file string, params ...string) (*table.Table, error) {
	for _, param := range params {
		for _, spec := range s.layout.config.List(param) {
			if strings.HasSuffix(spec, "/"+file) {
				return s.openTable(spec)
			}
		}
	}
	return nil, nil
}
