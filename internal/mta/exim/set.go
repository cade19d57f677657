package exim

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
)

// contents are the tables and names of a set.
type contents struct {
	host                          string
	local, relayed                []string
	domains, addresses, mailboxes source
	senders                       source
	authorises                    bool // the list of checks looks senders up
	account                       func(name string) bool
	own                           aliases
}

// A source is a table: sorted rows in memory, or an open map.
type source struct {
	rows    mapfile.Rows
	file    *mapfile.File // nil: rows has the table
	missing error         // the file is not there
}

// sortedRows returns the source of rows in memory.
func sortedRows(rows mapfile.Rows) source { return source{rows: rowtext.Sorted(rows)} }

// find finds a key.
func (s source) find(key string) (value string, ok bool, err error) {
	if s.missing != nil {
		return "", false, s.missing
	}
	if s.file != nil {
		found, ok, err := s.file.Append(nil, []byte(key))
		return string(found), ok, err
	}
	i, ok := mta.FindRow(s.rows, []byte(key))
	if !ok {
		return "", false, nil
	}
	_, found := s.rows.Row(i)
	return string(found), true, nil
}

// all returns all rows, sorted.
func (s source) all() (mapfile.Rows, error) {
	if s.file == nil {
		return s.rows, s.missing
	}
	var all rowtext.Pairs
	err := s.file.Each(func(key, value []byte) error {
		all = append(all, [2][]byte{slices.Clone(key), slices.Clone(value)})
		return nil
	})
	return rowtext.Sorted(all), err
}

// A Set answers for addresses. It implements mta.Set and mta.Local.
type Set struct {
	router
	contents
	warnings []string
	seen     []mta.Stamp
}

func newSet(c contents) *Set {
	s := &Set{contents: c}
	s.router = router{
		domains: c.domains.find, addresses: c.addresses.find, mailboxes: c.mailboxes.find,
		local: map[string]bool{c.host: true}, relayed: map[string]bool{}, account: c.account,
		name: c.host, aliases: c.own,
	}
	for _, name := range slices.Concat(c.local, localhosts(c.host)) {
		s.router.local[name] = true
	}
	for _, name := range c.relayed {
		s.router.relayed[name] = true
	}
	return s
}

// Domains returns the domains that the server takes mail for, and the backup domains. The
// names that mean every host are left out.
func (s *Set) Domains() (served, relayed []string) {
	served = append(slices.Clone(s.contents.local), s.host)
	if rows, err := s.contents.domains.all(); err == nil {
		for name := range mapfile.All(rows) {
			served = append(served, string(name))
		}
	}
	served = slices.DeleteFunc(served, func(name string) bool { return slices.Contains(localhosts(s.host), name) })
	slices.Sort(served)
	return slices.Compact(served), s.contents.relayed
}

// Rows returns the rows of the virtual addresses, sorted.
func (s *Set) Rows() (mapfile.Rows, error) { return s.contents.addresses.all() }

// EndsThere reports whether mail to a value is refused, or ends at just this value.
func (s *Set) EndsThere(value string) bool {
	return strings.HasPrefix(value, failWord) || strings.HasPrefix(value, deferWord)
}

// Reply returns the words of Exim for an outcome.
func (s *Set) Reply(_ string, o outcome.Outcome) string {
	if o.Taken {
		return "250 Accepted"
	}
	return strings.Join(strings.Fields(fmt.Sprintf("%d %s", o.Code, o.Status)), " ") + " " + o.Text
}

// Warnings returns a line for each file that is older than its text.
func (s *Set) Warnings() []string { return s.warnings }

// Seen returns the stamp of every file that was opened.
func (s *Set) Seen() []mta.Stamp { return s.seen }

// Close closes the maps.
func (s *Set) Close() (err error) {
	for _, t := range []source{s.contents.domains, s.contents.addresses, s.contents.mailboxes, s.contents.senders} {
		if t.file != nil {
			err = errors.Join(err, t.file.Close())
		}
	}
	return err
}
