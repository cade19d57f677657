// Package imported has what the imports of Exim and of OpenSMTPD have in common: rows with
// their places and comments, domains, and names that count as accounts. A Base is a part of
// an mta.Imported; what the server does with an address and what a row means is added by the
// room of the server.
package imported

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"virtmap/internal/lists"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/rowtext"
	"virtmap/internal/outcome"
	"virtmap/internal/regular"
	"virtmap/inventory"
)

// A Base has the rows and names of an import.
type Base struct {
	Said    mta.Facts       // what Facts returns
	Relayed map[string]bool // domains whose mail is only passed on
	Asked   map[string]bool // names to which rows lead: that they do says that the names are there
	Aliases map[string]bool // names of the server's own aliases

	served   map[string]bool
	account  func(name string) bool
	values   map[string]string // of rows, by key
	places   map[string]uint32 // of rows, by key
	last     uint32            // the last place that was given
	rows     rowtext.Pairs     // sorted
	warnings []string
}

// New returns a Base without rows. server is the kind of the server for messages.
func New(server string, host mta.Host) *Base {
	b := &Base{
		Relayed: map[string]bool{}, Asked: map[string]bool{}, Aliases: map[string]bool{},
		served: map[string]bool{}, account: host.Account, values: map[string]string{}, places: map[string]uint32{},
	}
	if b.account == nil {
		b.account = func(string) bool { return false }
	}
	b.Said = mta.Facts{Server: server, Host: host.Name, Above: map[string][]string{}, AboveNames: map[string][]string{}, Closed: map[string]bool{}}
	return b
}

// Serve adds a domain whose mail is delivered here.
func (b *Base) Serve(domain string) {
	if !b.served[domain] {
		b.served[domain] = true
		b.Said.Names = append(b.Said.Names, domain)
	}
}

// Relay adds a domain whose mail is only passed on.
func (b *Base) Relay(domain string) {
	if !b.Relayed[domain] {
		b.Relayed[domain] = true
		b.Said.Names = append(b.Said.Names, domain)
	}
}

// Add adds a row, with the comments above it. added is false if there is a row with this
// key.
func (b *Base) Add(key, value string, above []string) (added bool) {
	if _, have := b.values[key]; have {
		return false
	}
	b.last++
	b.values[key], b.places[key] = value, b.last
	if len(above) > 0 {
		b.Said.Above[key] = append(b.Said.Above[key], above...)
	}
	return true
}

// Value returns the value of the row with a key.
func (b *Base) Value(key string) (value string, ok bool) {
	value, ok = b.values[key]
	return value, ok
}

// Remove takes the row with a key out.
func (b *Base) Remove(key string) { delete(b.values, key) }

// Leave keeps a line of a list as a comment, with the reason. read says that the server
// reads it.
func (b *Base) Leave(row lists.Row, why string, read bool) {
	if row.Where != "" {
		why = row.Where + ": " + why
	}
	b.last++
	b.Said.Above[row.Key] = append(b.Said.Above[row.Key], row.Above...)
	b.Said.Dead = append(b.Said.Dead, mta.DeadRow{Key: row.Key, Value: row.Value, Why: why, Read: read, At: b.last})
}

// Take adds what is not a row of a list: comments, lines that are left out, and notes. The
// names of its aliases are known.
func (b *Base) Take(list *lists.List) {
	b.Said.Head, b.Said.Tail = append(b.Said.Head, list.Head...), append(b.Said.Tail, list.Tail...)
	for _, left := range list.Left {
		key, value := mta.CutLine(left.Text)
		b.Leave(lists.Row{Where: left.Where, Key: key, Value: value, Above: left.Above}, left.Why, false)
	}
	for _, row := range list.Rows {
		if row.Is == lists.Alias {
			b.Aliases[mailaddr.Lower(row.Key)] = true
		}
	}
	b.warnings = append(b.warnings, list.Notes...)
}

// TakeAll takes lists, with a function for each of their rows, and lets the rows go.
func (b *Base) TakeAll(all []*lists.List, take func(lists.Row)) {
	for _, list := range all {
		for _, row := range list.Rows {
			take(row)
		}
		b.Take(list)
		list.Rows = nil
	}
}

// ReadAliases reads the names of alias files.
func (b *Base) ReadAliases(files []string) error {
	for _, file := range files {
		text, err := regular.ReadIfThere(file)
		if err != nil {
			return err
		}
		list, err := lists.Read("aliases", file, func(string) ([]byte, error) { return text, nil }, nil)
		if err != nil {
			return err
		}
		for _, row := range list.Rows {
			b.Aliases[mailaddr.Lower(row.Key)] = true
		}
	}
	return nil
}

// Warn adds a warning.
func (b *Base) Warn(line string) { b.warnings = append(b.warnings, line) }

// Finish sorts the rows. It must be called before Rows and Facts.
func (b *Base) Finish() {
	type row struct {
		key   string
		place uint32
	}
	var all []row
	for key := range b.values {
		all = append(all, row{key, b.places[key]})
	}
	slices.SortFunc(all, func(x, y row) int {
		return cmp.Or(inventory.CompareKeys([]byte(x.key), []byte(y.key)), strings.Compare(x.key, y.key))
	})
	b.rows, b.Said.Order = nil, make([]uint32, len(all))
	for i, r := range all {
		b.rows, b.Said.Order[i] = append(b.rows, [2][]byte{[]byte(r.key), []byte(b.values[r.key])}), r.place
	}
}

// Facts returns what the files say beside their rows.
func (b *Base) Facts() *mta.Facts { return &b.Said }

// Rows returns the rows, sorted.
func (b *Base) Rows() (mapfile.Rows, error) { return b.rows, nil }

// Locals yields the names of this server to which rows lead. means says what a row means.
func (b *Base) Locals(means func(key, value string) mta.Meaning) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, row := range b.rows {
			for _, to := range means(string(row[0]), string(row[1])).To {
				if !strings.Contains(to, "@") && !yield(to) {
					return
				}
			}
		}
	}
}

// Domains returns the domains whose mail is delivered here, and those that are relayed.
func (b *Base) Domains() (served, relayed []string) {
	for _, name := range b.Said.Names {
		if b.served[name] {
			served = append(served, name)
		} else {
			relayed = append(relayed, name)
		}
	}
	return served, relayed
}

// Serves reports whether mail for a domain is delivered here, Relays whether it is only
// passed on.
func (b *Base) Serves(domain string) bool { return b.served[domain] }

// Unserved says why the row of an address at another domain is not looked at.
func (b *Base) Unserved(key string) string {
	if _, domain, _ := mailaddr.Split(key); !b.Serves(domain) {
		return domain + " is not one of the domains, so that the row is never looked up"
	}
	return ""
}

// Relays reports whether mail for a domain is only passed on.
func (b *Base) Relays(domain string) bool { return b.Relayed[domain] && !b.served[domain] }

// Account reports whether the server has an account.
func (b *Base) Account(name string) bool { return b.account(name) }

// Knows reports whether the server's own aliases have a name.
func (b *Base) Knows(name string) bool { return b.Aliases[name] }

// Delivers reports whether a name counts as an account when outcomes are compared.
func (b *Base) Delivers(name string) bool {
	return b.account(name) || b.Aliases[name] || b.Asked[name]
}

// DeliversDetail reports whether a name, or what is before its detail, counts as an account.
func (b *Base) DeliversDetail(local string) bool {
	name, _, _ := strings.Cut(local, "+")
	return b.Delivers(local) || name != "" && b.Delivers(name)
}

// User returns nothing: lists do not say what a user has.
func (b *Base) User(string) mta.Mailbox { return mta.Mailbox{} }

// Shown returns a value as a person would write it.
func (b *Base) Shown(value string) string { return value }

// Remark returns nothing.
func (b *Base) Remark(string) string { return "" }

// Both returns the sets of two builds.
func (b *Base) Both(old, next mta.Build) mta.Pair { return mta.NewPair(old.Set(), next.Set()) }

// Release does nothing: the rows are needed to answer.
func (b *Base) Release() {}

// Warnings returns the notes of lists.
func (b *Base) Warnings() []string { return b.warnings }

// Seen returns nil: the files of lists are read once.
func (b *Base) Seen() []mta.Stamp { return nil }

// Close does nothing: no file is open.
func (b *Base) Close() error { return nil }

// Include returns the text of a file that :include: names, if its path is absolute and it can
// be read.
func Include(path string) (text string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	data, err := regular.ReadIfThere(path)
	return string(data), err == nil && data != nil
}

// WithStatus returns an outcome with the status that an inventory gives to a reply without
// one.
func WithStatus(o outcome.Outcome) outcome.Outcome {
	switch {
	case o.Taken || o.NotOurs || o.Status != "":
	case o.Code >= 500:
		o.Status = "5.1.1"
	default:
		o.Status = "4.2.1"
	}
	return o
}
