package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
	"virtmap/inventory"
)

// contents are the tables and lists of a set.
type contents struct {
	host                   string
	served, local, relayed []string
	tables                 [3]source // by kind
	mailboxes, senders     source
	authorises             bool     // users who log in have a row each
	details                bool     // virtmap.conf asks the tables of details for all domains
	listed, detail, empty  []string // of domains whose other names are accounts; the last two are regular expressions
	account                func(name string) bool
}

// A source has sorted rows.
type source struct{ rows mapfile.Rows }

// find finds the value of a key.
func (s source) find(key string) (value string, ok bool) {
	i, ok := mta.FindRow(s.rows, []byte(key))
	if !ok {
		return "", false
	}
	_, found := s.rows.Row(i)
	return string(found), true
}

// A Set answers for addresses. It implements mta.Set.
type Set struct {
	router
	contents
	seen []mta.Stamp
}

func newSet(c contents) *Set { return &Set{contents: c, router: newRouter(c)} }

// Domains returns the domains that the server takes mail for, and the backup domains.
func (s *Set) Domains() (served, relayed []string) {
	served = slices.Concat(s.contents.served, s.contents.local)
	served = slices.DeleteFunc(served, func(name string) bool { return slices.Contains(localhosts(s.host), name) })
	slices.Sort(served)
	return slices.Compact(served), s.contents.relayed
}

// Rows returns the rows of all three tables with the keys of an inventory: the row of
// user@d in detail has the key user++@d, and that in empty-detail has user+*@d. A row that
// says the same as that without a detail is left out.
func (s *Set) Rows() (mapfile.Rows, error) {
	var more rowtext.Pairs
	add := func(local, domain string, value []byte) {
		more = append(more, [2][]byte{[]byte(local + "@" + domain), value})
	}
	same := func(key, value []byte) bool {
		of, ok := s.contents.tables[plain].find(string(key))
		return ok && of == string(value)
	}
	every := map[string]bool{} // keys with user+*
	for key, value := range mapfile.All(s.contents.tables[emptyDetail].rows) {
		if local, domain := cutAddress(string(key)); !same(key, value) {
			every[string(key)] = true
			add(local+"+*", domain, slices.Clone(value))
		}
	}
	for key, value := range mapfile.All(s.contents.tables[withDetail].rows) {
		local, domain := cutAddress(string(key))
		switch _, _, plus := cutDetail(local); {
		case plus:
			add(local, domain, slices.Clone(value))
		case !same(key, value) || every[string(key)]:
			add(local+"++", domain, slices.Clone(value))
		}
	}
	if len(more) == 0 {
		return s.contents.tables[plain].rows, nil
	}
	for key, value := range mapfile.All(s.contents.tables[plain].rows) {
		more = append(more, [2][]byte{slices.Clone(key), slices.Clone(value)})
	}
	return rowtext.Sorted(unique(more)), nil
}

// unique returns rows without those whose key an earlier row has.
func unique(rows rowtext.Pairs) rowtext.Pairs {
	slices.SortStableFunc(rows, func(a, b [2][]byte) int { return inventory.CompareKeys(a[0], b[0]) })
	return slices.CompactFunc(rows, func(a, b [2][]byte) bool { return string(a[0]) == string(b[0]) })
}

// RowKey returns the key in Rows of the row that a step hit.
func (s *Set) RowKey(step outcome.Step) string {
	k := slices.Index(tableNames[:], step.Table)
	if !step.Hit || k < 0 {
		return ""
	}
	local, domain := cutAddress(step.Key)
	_, _, plus := cutDetail(local)
	of, ok := s.contents.tables[plain].find(step.Key)
	if plus || ok && of == step.Value {
		return step.Key
	}
	return local + [...]string{"", "++", "+*"}[k] + "@" + domain
}

// EndsThere reports whether mail to a value is refused.
func (s *Set) EndsThere(value string) bool { return strings.HasPrefix(value, errorWord) }

// Reply returns the reply of OpenSMTPD for an outcome. OpenSMTPD writes the address at the
// end of a refusal, and no status when it refuses an address itself.
func (s *Set) Reply(addr string, o outcome.Outcome) string {
	switch {
	case o.Taken:
		return "250 2.1.5 Destination address valid: Recipient ok"
	case o.Text == invalid || o.NotOurs:
		return "550 " + invalid + ": <" + addr + ">"
	}
	return o.String() + ": <" + addr + ">"
}

// Warnings returns nil: smtpd reads the texts themselves.
func (s *Set) Warnings() []string { return nil }

// Seen returns the stamp of every file that was opened.
func (s *Set) Seen() []mta.Stamp { return s.seen }

// Close does nothing: no file is open.
func (s *Set) Close() error { return nil }
