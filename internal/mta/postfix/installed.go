package postfix

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/route"
	"virtmap/internal/mta/postfix/table"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
)

// An Installed is a set of tables that answers for addresses: open files, texts in
// memory, or both. It implements mta.Set, mta.Local and mta.Sending.
type Installed struct {
	router *route.Router
	layout *layout
	opener *table.Opener
	host   mta.Host

	texts   map[string]mta.Text     // by name: texts that are read instead of files
	tables  map[string]*table.Table // by name: tables that are read instead of files
	lenient bool                    // a missing file counts as empty
	byText  bool                    // a map that cannot be opened is read from its text
	missing []string                // missing files that count as empty
	rows    func() (mapfile.Rows, error)
	virtual func() *table.Table  // virtmap-virtual; nil: it is not named, or cannot be opened
	logins  func() *route.Router // for users who have logged in
}

// open opens the files of a place. Postfix answers 451 for a table that is missing. In a
// copy of a server's folder, a missing file counts as empty.
func open(at mta.Place, host mta.Host) (mta.Set, error) {
	l, err := readLayout(at)
	if err != nil {
		return nil, err
	}
	s := newInstalled(l, host, nil)
	return s, s.start()
}

// newInstalled returns a set that is not open yet. texts are read instead of the files
// with their names.
func newInstalled(l *layout, host mta.Host, texts map[string]mta.Text) *Installed {
	s := &Installed{layout: l, host: host, texts: texts, lenient: !l.live}
	s.opener = &table.Opener{At: l.place, Account: host.Account, Text: s.text}
	s.rows, s.virtual, s.logins = sync.OnceValues(s.virtualRows), sync.OnceValue(s.virtualTable), sync.OnceValue(s.loginRouter)
	return s
}

// start opens the tables.
func (s *Installed) start() (err error) {
	s.router, err = route.New(route.Site{Param: s.layout.param(s.host.Name), Open: s.openTable, Account: s.host.Account})
	return err
}

// param returns the values of parameters. host is the name of the server if the
// configuration has none.
func (l *layout) param(host string) func(name string) string {
	config := *l.config
	config.Hostname = host
	return config.Param
}

// text returns the text that is read instead of a file.
func (s *Installed) text(path string) (text []byte, ok bool) {
	t, ok := s.texts[filepath.Base(path)]
	return t.Bytes, ok
}

// openTable opens the table of a word such as hash:/etc/postfix/virtmap-virtual.
func (s *Installed) openTable(spec string) (*table.Table, error) {
	typ, path, _ := strings.Cut(strings.TrimPrefix(spec, "proxy:"), ":")
	if t := s.tables[filepath.Base(path)]; t != nil {
		return t, nil
	}
	if t, ok := s.texts[filepath.Base(path)]; ok && t.Rows != nil {
		return inMemory(typ, path, t.Rows), nil
	}
	t, err := s.opener.Open(spec)
	if err != nil && s.byText && slices.Contains(indexedTypes, typ) {
		if t, noText := s.opener.OpenText(path); noText == nil {
			why := "has no map beside it"
			if !errors.Is(err, fs.ErrNotExist) {
				why = "has a map that cannot be read"
			}
			s.missing = append(s.missing, fmt.Sprintf("%s %s; the text itself is read", s.layout.place(path), why))
			return t, nil
		}
	}
	if err == nil || !s.lenient || !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	s.missing = append(s.missing, s.layout.place(path)+" is not there, and taken for empty")
	return inMemory(typ, path, mapfile.Pairs{}), nil
}

// indexedTypes are the types of tables that postmap(1) makes of a text.
var indexedTypes = []string{"hash", "btree", "cdb", "lmdb", "dbm", "sdbm"}

// inMemory returns a table of rows in memory.
func inMemory(typ, path string, rows mapfile.Rows) *table.Table {
	index := sync.OnceValue(func() map[string]int {
		index := make(map[string]int, rows.Len())
		for i := range rows.Len() {
			key, _ := rows.Row(i)
			index[string(key)] = i
		}
		return index
	})
	find := func(key string) (string, bool, error) {
		i, ok := index()[table.Fold(key)]
		if !ok {
			return "", false, nil
		}
		_, value := rows.Row(i)
		return string(value), true, nil
	}
	each := func(row func(key, value string) bool) error {
		for key, value := range mapfile.All(rows) {
			if !row(string(key), string(value)) {
				break
			}
		}
		return nil
	}
	return &table.Table{Spec: typ + ":" + path, Type: typ, Path: path, Indexed: true, Find: find, Each: each}
}

// Route returns the outcome of mail to an address, and every key that was tried.
func (s *Installed) Route(addr string) (outcome.Outcome, []outcome.Step) {
	o, steps := s.router.Route(addr)
	return o, s.withRows(steps)
}

// Reply returns the words of smtpd(8) for an outcome.
func (s *Installed) Reply(addr string, o outcome.Outcome) string { return s.router.Reply(addr, o) }

// Domains returns the domains whose mail is delivered here, and the relay domains.
func (s *Installed) Domains() (served, relayed []string) { return domainsOf(s.router) }

// domainsOf returns the domains of a Router as A-labels, without names of virtmap's own.
func domainsOf(r *route.Router) (served, relayed []string) {
	local, virtual, mailbox, relay := r.Domains()
	return aLabels(slices.Concat(local, virtual, mailbox)), aLabels(relay)
}

// aLabels returns names as A-labels, each once and sorted.
func aLabels(names []string) (all []string) {
	for _, name := range names {
		folded, problem := mailaddr.FoldDomain(name)
		if problem == nil && !reserved(folded) && !strings.HasPrefix(folded, "localhost.") && folded != "localhost" {
			all = append(all, folded)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// reserved reports whether a domain is one of virtmap's own.
func reserved(domain string) bool {
	return domain == mailboxDomain || domain == refusedDomain
}

// Rows returns the rows of the virtual addresses, sorted. A domain with U-labels has the
// rows of its A-labels once.
func (s *Installed) Rows() (mapfile.Rows, error) { return s.rows() }

// virtualRows reads the rows that Rows returns.
func (s *Installed) virtualRows() (mapfile.Rows, error) { return s.rowsOf(fileVirtual) }

// rowsOf returns the rows of a table of the folder, in the order of inventory.CompareKeys.
func (s *Installed) rowsOf(name string) (mapfile.Rows, error) {
	if t, ok := s.texts[name]; ok {
		return ofALabels(rowtext.Sorted(t.Rows)), nil
	}
	text, err := regular.ReadIfThere(s.layout.place(s.layout.dir + "/" + name))
	if err != nil {
		return nil, err
	}
	return ofALabels(rowtext.Sorted(readRows(text))), nil
}

// ofALabels returns rows without those of domains with U-labels.
func ofALabels(rows mapfile.Rows) mapfile.Rows {
	n := rows.Len()
	var kept rowtext.Pairs
	for i := range n {
		key, value := rows.Row(i)
		if !isASCII(key) && kept == nil {
			kept = make(rowtext.Pairs, 0, n)
			for j := range i {
				k, v := rows.Row(j)
				kept = append(kept, [2][]byte{k, v})
			}
		}
		if isASCII(key) && kept != nil {
			kept = append(kept, [2][]byte{key, value})
		}
	}
	if kept == nil {
		return rows
	}
	return kept
}

// isASCII reports whether a text has only characters of ASCII.
func isASCII(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return c >= 0x80 })
}

// Ends returns the final recipients of a local name, after the alias files.
func (s *Installed) Ends(name string) []string { return s.router.Ends(name) }

// Knows reports whether the server's own alias files have a name.
func (s *Installed) Knows(name string) bool {
	ends := s.router.Ends(name)
	return !(len(ends) == 0 || len(ends) == 1 && ends[0] == name)
}

// Listed returns the domains in the files that a build writes.
func (s *Installed) Listed() []string {
	served, relayed := s.Domains()
	return slices.Concat(served, relayed)
}

// Warnings returns a line for each file that is missing or not read.
func (s *Installed) Warnings() []string { return slices.Concat(s.missing, s.router.Warnings()) }

// Seen returns the stamp of every file that was opened or looked for.
func (s *Installed) Seen() []mta.Stamp { return s.opener.Seen() }

// Close closes the files.
func (s *Installed) Close() error { return s.opener.Close() }
