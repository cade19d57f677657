package cli

import (
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/inventory"
)

// A search finds the addresses of a user, a mailbox or an address, for `who`.
type search struct {
	name  string
	local string // the local part of name, or the last element of a path
	set   mta.Set
	table string // the name of the table of the virtual addresses
	rows  mapfile.Rows
	place func(key string) string // returns what made a row of the table
	names []match                 // domains that may be open to accounts, each as an Address
	// promised reports whether the inventory promises to take mail for an address, and
	// whether the user is on the way; nil: there are only installed files.
	promised func(addr string) (taken, passed bool)
	// others has values that lead to a single account, and whether it is another
	// account. nil: no row can be ruled out, because the set is no mta.Ender, or because
	// name is a user whose mail goes on, to a mailbox or by a forward.
	others map[string]bool

	found []match
	have  map[string]bool
}

// searchOf prepares a search in an inventory.
func searchOf(source mta.Build, server *mta.Server, name string) (*search, error) {
	w, err := newSearch(source.Set(), server, name)
	m := source.Inventory()
	placeOf := func(pos diag.Pos) string {
		place, _ := m.Sources.Place(pos)
		return place.String()
	}
	w.place = func(key string) string {
		pos, _ := source.Place(key)
		return placeOf(pos)
	}
	for _, name := range hostnames.ClassW(m).All {
		w.names = append(w.names, match{name.Text, placeOf(name.Pos)})
	}
	if i, ok := m.User(w.name); ok && (m.Users[i].Mailbox.Text != "" || m.Users[i].Forward.Kind != inventory.NoTarget) {
		w.others = nil
	}
	passed := false
	promises := promise.Promises{Model: m, User: func(user string) { passed = passed || user == w.name }}
	w.promised = func(addr string) (bool, bool) {
		passed = false
		return promises.Of(addr).Taken, passed
	}
	return w, err
}

// searchIn prepares a search in installed files.
func searchIn(set mta.Set, of mailServer, name string) (*search, error) {
	w, err := newSearch(set, of.kind, name)
	w.place = func(string) string { return "a row" }
	served, _ := set.Domains()
	for _, name := range append(slices.Clip(served), of.host.Name) {
		w.names = append(w.names, match{name, of.kind.Words.Served})
	}
	return w, err
}

func newSearch(set mta.Set, server *mta.Server, name string) (w *search, err error) {
	if !strings.HasPrefix(name, "/") {
		name = strings.ToLower(questionOf(name).addr) // the case of a path matters
	}
	table, _ := server.Of(mta.Addresses)
	w = &search{name: name, set: set, table: table.Name, have: map[string]bool{}}
	if _, ok := set.(mta.Ender); ok {
		w.others = map[string]bool{}
	}
	w.local, _, _ = strings.Cut(name, "@")
	w.local = strings.Trim(w.local[strings.LastIndexByte(w.local, '/')+1:], "+")
	w.rows, err = set.Rows()
	return w, err
}

// row returns a row of the virtual addresses.
func (w *search) row(i int) (key, value string) {
	k, v := w.rows.Row(i)
	return string(k), string(v)
}

// endsAt reports whether mail for an address ends at name, or has the user on its way.
// o and trace are the outcome of the address.
func (w *search) endsAt(addr string, o outcome.Outcome, trace []outcome.Step) bool {
	ends := o.Taken && slices.ContainsFunc(o.Recipients, w.isName)
	switch {
	case w.promised == nil:
		return ends || slices.ContainsFunc(trace, func(s outcome.Step) bool { return s.Hit && s.Table == "aliases" && s.Key == w.name })
	case !ends && w.others != nil:
		return false // mail that has name on its way ends there
	}
	taken, passed := w.promised(addr)
	return passed || taken && ends
}

// isName reports whether a recipient is name, or the account name with a detail.
func (w *search) isName(recipient string) bool {
	if recipient == w.name || strings.Contains(recipient, "@") && strings.EqualFold(recipient, w.name) { // people seldom know the case of an address
		return true
	}
	account, _, _ := strings.Cut(recipient, "+")
	return !strings.ContainsAny(recipient, "@/|") && account == w.name
}

// isOthers reports whether the value of a row alone shows that the mail ends elsewhere.
func (w *search) isOthers(value string) bool {
	if w.others == nil || strings.EqualFold(value, w.name) {
		return false
	}
	other, known := w.others[value]
	if !known {
		other = w.set.(mta.Ender).EndsThere(value)
		if !strings.Contains(value, "@") { // few rows have the same address as their value
			w.others[value] = other
		}
	}
	return other
}

// first returns the key of the first row that was hit on the way of an address; empty if
// there is none.
func (w *search) first(trace []outcome.Step) string {
	for _, step := range trace {
		if key := mta.RowKey(w.set, w.table, step); key != "" {
			return key
		}
	}
	return ""
}

func (w *search) add(address, place string) {
	if !w.have[address] {
		w.have[address] = true
		w.found = append(w.found, match{address, place})
	}
}

// try adds an address that ends at name, unless its row was found already.
func (w *search) try(addr string, place func() string) {
	if w.local == "" {
		return
	}
	if o, trace := w.set.Route(addr); w.endsAt(addr, o, trace) && !w.have[w.first(trace)] {
		w.add(addr, place())
	}
}

// examples returns addresses for which a key may be the first match.
func (w *search) examples(local, domain string) []string {
	name := inventory.Unlisted(func(name string) bool {
		return mta.HasRow(w.rows, name+"@"+domain)
	})
	locals := []string{inventory.Samples{User: name, Detail: name}.Of(local)}
	switch inventory.ParseForm(local) {
	case inventory.SomeDetail, inventory.AnyDetail:
		user, _, _ := strings.Cut(local, "+")
		locals = append(locals, user+"+", user+"+"+w.local)
	case inventory.SomeUser, inventory.AnyUser:
		locals = append(locals, name+"+", w.local+"+"+name)
	}
	for i := range locals {
		locals[i] += "@" + domain
	}
	return locals
}
