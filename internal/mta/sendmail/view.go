package sendmail

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"virtmap/hostnames"
	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/virtuser"
)

// A View is a set in memory: a build before it is written, or installed files in the
// form in which they are compared with a build.
type View struct {
	Router *virtuser.Router
	Table  *virtuser.Table // sorted

	served, relayed []string
	lookups
}

// View returns the set of the build, without anything of the server's own.
func (b Build) View() *View {
	return &View{
		Router: b.Router(), Table: b.Compiled.Table,
		served: texts(hostnames.ClassW(b.Model).All), relayed: texts(hostnames.Relayed(b.Model).All),
		lookups: b.lookups(),
	}
}

// View returns the set without the server's own aliases, because a build does not
// change them.
func (s *Installed) View() (*View, error) {
	r := *s.Router
	r.Aliases = s.OwnAliases()
	v := &View{Router: &r, lookups: s.lookups}
	v.served, v.relayed = s.Domains()
	var err error
	v.Table, err = s.Table()
	return v, err
}

// WithAliases makes the view read all alias files of a set: virtmap's and the server's
// own.
func (v *View) WithAliases(s *Installed) { v.Router.Aliases = s.Router.Aliases }

// WithSite adds what the server has of its own, whatever a build writes.
func (v *View) WithSite(site *Installed) {
	site.WithSite(v.Router)
	v.AddServed(site.Staying()...)
}

// AddServed adds names that the server takes mail for by itself.
func (v *View) AddServed(names ...string) { v.served = append(slices.Clip(v.served), names...) }

// Route returns the outcome of mail to an address, and every key that was tried.
func (v *View) Route(addr string) (outcome.Outcome, []outcome.Step) { return route(v.Router, addr) }

// Domains returns the names of class w, and the backup domains.
func (v *View) Domains() (served, relayed []string) { return v.served, v.relayed }

// Rows returns the rows of the virtusertable, sorted.
func (v *View) Rows() (mapfile.Rows, error) { return v.Table, nil }

// Warnings returns nil, because no file was opened.
func (v *View) Warnings() []string { return nil }

// Seen returns nil, because no file was opened.
func (v *View) Seen() []mta.Stamp { return nil }

// Close does nothing.
func (v *View) Close() error { return nil }

// Compared prepares the comparison of two views. Both get the same accounts: those of
// next, and those that the rows of old lead to. If an account left the inventory with
// its last address, it was an account before.
func Compared(old, next *View) mta.Pair {
	pair := routed(old, next) // before the accounts are shared: Ends does not look at accounts
	shared := accounts{old: old}
	shared.share(old, next)
	return pair
}

// An accounts finds the names that the rows of a view lead to.
type accounts struct {
	old             *View
	collect         sync.Once
	known, followed map[string]bool
}

// has reports whether a name was an account. The first call reads all rows. It is made
// for the first name that is no account of the new view.
func (a *accounts) has(name string) bool {
	a.collect.Do(func() {
		a.known, a.followed = map[string]bool{}, map[string]bool{}
		for _, right := range mapfile.All(a.old.Table) {
			a.note(right)
		}
	})
	return a.known[name]
}

func (a *accounts) note(right []byte) {
	if a.followed[string(right)] || bytes.ContainsAny(right, "@:%/|") {
		return
	}
	a.followed[string(right)] = true
	name, _, _ := strings.Cut(string(right), "+")
	a.known[name] = true
	members, _ := a.old.Router.Aliases.Alias(string(right))
	for member := range strings.SplitSeq(members, ",") {
		if member = strings.TrimSpace(member); member != "" {
			a.note([]byte(member))
		}
	}
}

// share gives both routers the same accounts.
func (a *accounts) share(old, next *View) {
	account := next.Router.Account
	both := func(name string) bool { return account(name) || a.has(name) }
	x, y := *old.Router, *next.Router
	x.Account, y.Account = both, both
	old.Router, next.Router = &x, &y
}
