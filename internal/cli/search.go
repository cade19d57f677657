package cli

import (
	"slices"
	"strings"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/outcome"
	"virtmap/internal/promise"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// A search finds the addresses of a user, a mailbox or an address, for `who`.
type search struct {
	name   string
	local  string // the local part of name, or the last element of a path
	router *virtuser.Router
	table  *virtuser.Table
	place  func(row int) string // returns what made a row of the table
	names  []match              // domains that may be open to accounts, each as an Address
	// promised reports whether the inventory promises to take mail for an address, and
	// whether the user is on the way; nil: there are only installed files.
	promised func(addr string) (taken, passed bool)
	// others has right sides that lead to a single account, and whether it is another
	// account. nil: no row can be ruled out, because name is a user whose mail goes on,
	// to a mailbox or by a forward.
	others map[string]bool

	found []match
	have  map[string]bool
}

// searchOf prepares a search in an inventory.
func searchOf(source sendmail.Build, name string) *search {
	w := newSearch(source.Router(), source.Compiled.Table, name)
	m := source.Model
	placeOf := func(pos diag.Pos) string {
		place, _ := m.Sources.Place(pos)
		return place.String()
	}
	w.place = func(row int) string { return placeOf(w.table.Pos(row)) }
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
	return w
}

// searchIn prepares a search in installed files.
func searchIn(set *sendmail.Installed, name string) (*search, error) {
	table, err := set.Table()
	w := newSearch(set.Router, table, name)
	w.place = func(int) string { return "a row" }
	for _, name := range append(set.ClassW(), set.Router.Host) {
		w.names = append(w.names, match{name, "class w"})
	}
	return w, err
}

func newSearch(router *virtuser.Router, table *virtuser.Table, name string) *search {
	if !strings.HasPrefix(name, "/") {
		name = strings.ToLower(questionOf(name).addr) // the case of a path matters
	}
	w := &search{name: name, router: router, table: table, others: map[string]bool{}, have: map[string]bool{}}
	w.local, _, _ = strings.Cut(name, "@")
	w.local = strings.Trim(w.local[strings.LastIndexByte(w.local, '/')+1:], "+")
	return w
}

// endsAt reports whether mail for an address ends at name, or has the user on its way.
func (w *search) endsAt(addr string) bool {
	o := w.router.Route(addr)
	ends := o.Taken() && slices.ContainsFunc(o.Recipients, w.isName)
	switch {
	case w.promised == nil:
		return ends || slices.ContainsFunc(o.Trace, func(s outcome.Step) bool { return s.Hit && s.Table == "aliases" && s.Key == w.name })
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

// isOthers reports whether the right side of a row alone shows that the mail ends
// elsewhere: a refusal, the name of one account without aliases, or an address on
// another server.
func (w *search) isOthers(right string) bool {
	if w.others == nil || strings.EqualFold(right, w.name) {
		return false
	}
	if strings.HasPrefix(right, "error:") {
		return true
	}
	if local, domain, ok := strings.Cut(right, "@"); ok {
		return inventory.IsLocalName(local) && strings.Contains(domain, ".") && !strings.HasPrefix(domain, "localhost.") && !strings.ContainsAny(domain, "@%:,") && !w.router.Asks(strings.ToLower(domain))
	}
	other, known := w.others[right]
	if !known {
		_, aliased := w.router.Aliases.Alias(right)
		other = !aliased && inventory.IsLocalName(right)
		w.others[right] = other
	}
	return other
}

// first returns the key that an address matches.
func (w *search) first(addr string) string {
	out := w.router.Route(addr)
	return out.Row()
}

func (w *search) add(address, place string) {
	if !w.have[address] {
		w.have[address] = true
		w.found = append(w.found, match{address, place})
	}
}

// try adds an address that ends at name, unless its row was found already.
func (w *search) try(addr, place string) {
	if w.local != "" && w.endsAt(addr) && !w.have[w.first(addr)] {
		w.add(addr, place)
	}
}

// examples returns addresses for which a key may be the first match.
func (w *search) examples(local, domain string) []string {
	name := inventory.Unlisted(func(name string) bool {
		_, listed := w.table.Get([]byte(name + "@" + domain))
		return listed
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
