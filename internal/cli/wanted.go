package cli

import (
	"slices"
	"strings"

	"virtmap/internal/fileset"
	"virtmap/internal/prove"
	"virtmap/inventory"
	"virtmap/virtuser"
)

// wanted is whose addresses `who` looks for.
type wanted struct {
	name     string
	local    string // what stands before an @ in it
	router   *virtuser.Router
	table    *virtuser.Table
	promises prove.Promises
	passed   bool // the last address passed the user

	found []ending
	have  map[string]bool
}

func newWanted(source fileset.Source, name string) *wanted {
	if !strings.HasPrefix(name, "/") {
		name = strings.ToLower(questionOf(name).addr) // files keep their case
	}
	w := &wanted{name: name, router: source.Router(), table: source.Compiled.Table, have: map[string]bool{}}
	w.local, _, _ = strings.Cut(name, "@")
	w.local = strings.Trim(w.local[strings.LastIndexByte(w.local, '/')+1:], "+")
	w.promises = prove.Promises{Model: source.Model, User: func(user string) { w.passed = w.passed || user == name }}
	return w
}

// endsAt reports whether mail for an address passes the user, or ends at what
// is wanted.
func (w *wanted) endsAt(addr string) bool {
	w.passed = false
	promised := w.promises.Of(addr)
	if w.passed {
		return true
	}
	o := w.router.Route(addr)
	return promised.Taken() && o.Taken() && slices.ContainsFunc(o.Recipients, func(r string) bool {
		if r == w.name || strings.Contains(r, "@") && strings.EqualFold(r, w.name) { // nobody knows the case by heart
			return true
		}
		account, _, _ := strings.Cut(r, "+")
		return !strings.ContainsAny(r, "@/|") && account == w.name
	})
}

// first is the key that an address matches.
func (w *wanted) first(addr string) string {
	out := w.router.Route(addr)
	return out.Row()
}

func (w *wanted) add(address, place string) {
	if !w.have[address] {
		w.have[address] = true
		w.found = append(w.found, ending{address, place})
	}
}

// try adds an address that ends at what is wanted, unless a row of its own was
// listed.
func (w *wanted) try(addr, place string) {
	if w.local != "" && w.endsAt(addr) && !w.have[w.first(addr)] {
		w.add(addr, place)
	}
}

// examples makes up addresses that a key may be the first to match.
func (w *wanted) examples(local, domain string) []string {
	name := "anything"
	for w.isListed(name, domain) {
		name += "x"
	}
	user, _, _ := strings.Cut(local, "+")
	switch inventory.ParseForm(local) {
	case inventory.SomeDetail, inventory.AnyDetail:
		return []string{user + "+" + name + "@" + domain, user + "+@" + domain, user + "+" + w.local + "@" + domain}
	case inventory.SomeUser, inventory.AnyUser:
		return []string{name + "+" + name + "@" + domain, name + "+@" + domain, w.local + "+" + name + "@" + domain}
	}
	if local == "" {
		return []string{name + "@" + domain}
	}
	return []string{local + "@" + domain}
}

func (w *wanted) isListed(name, domain string) bool {
	_, ok := w.table.Get([]byte(name + "@" + domain))
	return ok
}
