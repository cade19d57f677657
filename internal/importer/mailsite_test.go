package importer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mailaddr"
)

// A mailSite is a generated configuration of Postfix, as people write it. In its texts, DIR/
// is the folder in which it is.
type mailSite struct {
	kind    string            // what people would call it
	main    []string          // lines of main.cf
	types   map[string]string // by name of a text: the type of its map; empty: it is no map
	texts   map[string]string // by name
	aliases map[string]string
	missing []string // tables that main.cf names and that are not there
	hidden  []string // tables that main.cf names with a type that is not read

	boxes     []string // domains of virtual_mailbox_domains
	local     []string // domains of mydestination beside the server's own name
	virtual   []string // domains of virtual_alias_domains
	relayed   []string
	delimiter string
	agent     bool // virtual(8) delivers to mailboxes
}

// siteHost is the name of the server, and siteAccounts are its accounts.
const siteHost = "mx1.example.net"

var siteAccounts = []string{"root", "andrei", "bea", "carol", "nobody"}

// table adds a table, and returns what main.cf says of it. A text in which a key is twice
// cannot be a texthash.
func (s *mailSite) table(typ, name, text string) string {
	if typ == "texthash" {
		keys := map[string]bool{}
		for line := range strings.Lines(text) {
			key, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(line), "\t", " "), " ")
			if key = strings.TrimSpace(key); key != "" && key[0] != '#' && keys[key] {
				typ = "hash"
			}
			keys[key] = true
		}
	}
	s.types[name], s.texts[name] = typ, text
	return typ + ":DIR/" + name
}

// set adds a line to main.cf.
func (s *mailSite) set(name string, values ...string) {
	s.main = append(s.main, name+" = "+strings.Join(values, ", "))
}

// write writes the site into a folder. made makes the map of a text. main.cf of the import
// has a type that is not read for each hidden table.
func (s *mailSite) write(dir string, made func(spec string) error) error {
	past := time.Now().Add(-time.Hour) // Postfix waits for a text that was just written
	for _, name := range slices.Sorted(maps.Keys(s.texts)) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(s.texts[name], "DIR/", dir+"/")), 0o644); err != nil {
			return err
		}
		if slices.Contains([]string{"hash", "cdb", "lmdb"}, s.types[name]) {
			if err := made(s.types[name] + ":" + path); err != nil {
				return err
			}
		}
		for _, suffix := range []string{"", ".db", ".cdb", ".lmdb"} {
			if err := os.Chtimes(path+suffix, past, past); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	text := s.text(dir)
	for _, name := range s.hidden {
		text = strings.ReplaceAll(text, s.types[name]+":"+dir+"/"+name+"\n", "mysql:"+dir+"/"+name+"\n")
	}
	return os.WriteFile(filepath.Join(dir, "main.cf"), []byte(text), 0o644)
}

// text returns main.cf as Postfix reads it.
func (s *mailSite) text(dir string) string {
	return strings.ReplaceAll(strings.Join(s.main, "\n")+"\n", "DIR/", dir+"/")
}

// String shows the site.
func (s *mailSite) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "(%s)\n%s\n", s.kind, strings.Join(s.main, "\n"))
	for _, name := range slices.Sorted(maps.Keys(s.texts)) {
		fmt.Fprintf(&b, "--- %s\n%s", name, s.texts[name])
	}
	return b.String()
}

// A tableRow is a row as postmap(1) reads it.
type tableRow struct{ key, value string }

// rows returns the rows of a text: the first one of each key, in lower case.
func (s *mailSite) rows(name string) (all []tableRow) {
	var logical []string
	for line := range strings.Lines(s.texts[name]) {
		line = strings.TrimRight(line, "\r\n")
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			if n := len(logical); n > 0 {
				logical[n-1] += line
			}
		default:
			logical = append(logical, line)
		}
	}
	seen := map[string]bool{}
	for _, line := range logical {
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			continue
		}
		if key := mailaddr.Lower(line[:end]); !seen[key] && strings.TrimSpace(line[end:]) != "" {
			seen[key] = true
			all = append(all, tableRow{key, strings.TrimSpace(line[end:])})
		}
	}
	return all
}

// domains returns all domains of the site.
func (s *mailSite) domains() []string {
	return slices.Concat(s.virtual, s.boxes, s.local, s.relayed, []string{siteHost})
}

// addresses returns the addresses that are asked: each key of each table, with a detail and
// with a letter more, and at each domain some that are not listed.
func (s *mailSite) addresses(r *rand.Rand) []string {
	all := map[string]bool{}
	add := func(local, domain string) {
		all[local+"@"+domain] = true
		all[local+"+detail@"+domain] = true
		all[local+"q@"+domain] = true
		if s.delimiter != "" && s.delimiter != "+" {
			all[local+s.delimiter[:1]+"Work@"+domain] = true
		}
	}
	for name, typ := range s.types {
		if typ == "regexp" || typ == "" || typ == "aliases" || name == "uids" {
			continue
		}
		for _, row := range s.rows(name) {
			local, domain, _ := mailaddr.Split(row.key)
			switch {
			case strings.Contains(row.key, `"`) || strings.HasPrefix(row.key, "."):
			case domain != "" && local != "":
				add(local, domain)
			case domain == "" && !strings.Contains(row.key, "."):
				for _, domain := range s.domains() {
					add(strings.TrimSuffix(row.key, "@"), domain)
				}
			}
		}
	}
	names := slices.Concat([]string{"root", "postmaster", "abuse", "nobody-has-this-name", "andrei", "bea", "ann", "bob", "+x"}, slices.Collect(maps.Keys(s.aliases)))
	for _, domain := range append(s.domains(), "sub."+s.domains()[0]) {
		for _, name := range names {
			all[name+"@"+domain] = true
		}
		all["nobody-has-this-name+detail@"+domain] = true
		all["andrei+detail@"+domain] = true
	}
	list := slices.Sorted(maps.Keys(all))
	for i, addr := range list {
		if r.IntN(20) == 0 {
			list[i] = strings.ToUpper(addr[:1]) + addr[1:]
		}
	}
	return list
}
