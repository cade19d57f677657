// Package sample makes inventories and virtusertables for tests, from a random seed.
//
//   - Inventory makes a small inventory that may have every feature of the format,
//     and Vectors the addresses for a lookup in it.
//   - NewTable makes a virtusertable with right sides of every kind.
//   - Large and LargeFolder make plain inventories of any size, for measurements.
//
// The same seed gives the same text.
package sample

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Accounts are system accounts of every Debian. They are the users of all samples, so
// that a real sendmail finds them.
var Accounts = []string{"backup", "bin", "daemon", "games", "irc", "list", "lp", "mail", "man", "news", "proxy", "root", "sync", "sys", "uucp", "www-data"}

// HasName reports whether the server of the samples has an account or an alias.
func HasName(name string) bool {
	_, alias := LocalAliases[name]
	return alias || slices.Contains(Accounts, name)
}

// LocalAliases are the local_aliases of all samples, each with its account.
var LocalAliases = map[string]string{"mailman": "list", "rt": "www-data"}

// HostName is the server of every sample.
const HostName = "mx1.example.net"

// Inventory makes the text of an inventory. It has no faults, unless its random
// targets lead in a circle.
func Inventory(r *rand.Rand, mailDir, mapType string) string {
	g := &generator{r: r}
	g.domains = append(g.domains, fmt.Sprintf("d%d.example", r.IntN(1000)), fmt.Sprintf("D%d.Example", 1000+r.IntN(1000)), "bücher.example", "sub.d1.example")
	g.domains = g.domains[:1+r.IntN(len(g.domains))]
	g.line(0, "version: 1")
	g.line(0, "host: {name: %s, mail_dir: %s, map: %s, local_names: [localhost, local.example.net]}", HostName, mailDir, mapType)
	g.defaults()
	g.users()
	g.line(0, "local_aliases: [mailman, rt]")
	g.line(0, "domains:")
	for i := range g.domains {
		g.domain(i)
	}
	if len(g.domains) > 1 && g.chance(2) {
		g.line(1, "twin.example:")
		g.line(2, "same_as: %s", g.domains[0])
		g.sometimes(2, "addresses: {extra: %s, shared0: reject}", g.user())
		g.sometimes(2, "roles: {abuse: none}")
		g.sometimes(2, "detail: %s", g.one("drop", "keep", "reject"))
		g.sometimes(1, "second-twin.example: {same_as: twin.example}")
	}
	g.sometimes(1, "backup.example: {role: backup}")
	g.sometimes(1, "closed.example: {enabled: false, addresses: {fake: %s}}", g.user())
	if g.chance(4) {
		g.line(1, "%s:", g.one(HostName, "local.example.net"))
		g.line(2, "addresses: {info: %s, root: %s}", g.user(), g.user())
		g.line(2, "catch_all: local")
	}
	return g.text.String()
}

// A generator writes an inventory.
type generator struct {
	r       *rand.Rand
	text    strings.Builder
	domains []string
	locals  []string // the addresses listed so far
}

func (g *generator) line(indent int, format string, args ...any) {
	fmt.Fprintf(&g.text, strings.Repeat("  ", indent)+format+"\n", args...)
}

// chance is true in one of n cases.
func (g *generator) chance(n int) bool { return g.r.IntN(n) == 0 }

// sometimes writes a line in one of two cases.

func (g *generator) sometimes(indent int, format string, args ...any) {
	if g.chance(2) {
		g.line(indent, format, args...)
	}
}

func (g *generator) one(words ...string) string { return words[g.r.IntN(len(words))] }

func (g *generator) user() string { return g.one(Accounts...) }

func (g *generator) defaults() {
	g.line(0, "defaults:")
	g.line(1, "roles: {postmaster: %s, abuse: %s}", g.user(), g.one(g.user(), "[root, "+g.one("bin", "sys")+"]", "none"))
	g.sometimes(1, "detail: %s", g.one("drop", "keep", "reject"))
	g.sometimes(1, "catch_all: %s", g.one("reject", "local", g.user(), `"%1%3@relay.example"`))
}

func (g *generator) users() {
	g.line(0, "users:")
	for _, name := range Accounts {
		switch g.r.IntN(12) {
		case 0:
			g.line(1, "%s: {mailbox: /srv/mail/%s, uid: 1002}", name, name)
		case 1:
			g.line(1, "%s: {forward: %s@elsewhere.example, keep_copy: true}", name, name)
		case 2:
			g.line(1, "%s: {forward: %s+x@elsewhere.example}", name, name)
		case 3:
			g.line(1, "%s: {forward: [a@elsewhere.example, b@elsewhere.example]}", name)
		case 4:
			g.line(1, "%s: {mailbox: /srv/mail/%s, uid: 1002, forward: %s@elsewhere.example, keep_copy: true}", name, name, name)
		default:
			g.line(1, "%s:", name)
		}
	}
}

func (g *generator) domain(i int) {
	g.line(1, "%s:", g.domains[i])
	g.sometimes(2, "detail: %s", g.one("drop", "keep", "reject"))
	g.sometimes(2, "catch_all: %s", g.catchAll(i))
	g.sometimes(2, "roles: {hostmaster: %s}", g.user())
	g.line(2, "addresses:")
	for n := range 3 + g.r.IntN(8) {
		name := g.one("fake", "info", "Sales", "o'brien", "a.b", "x_y-z", "team", "shared") + fmt.Sprint(n)
		key := name
		switch g.r.IntN(8) {
		case 0:
			key += "+*"
		case 1:
			key += "++"
		case 2:
			key += "+detail"
		}
		g.line(3, "%s: %s", key, g.value(key))
		if key == name {
			g.locals = append(g.locals, name+"@"+g.domains[i])
		}
		if key != name && g.chance(2) {
			g.line(3, "%s: %s", name, g.value(name))
		}
		if g.chance(6) {
			g.line(3, "%s+odd: %s", name, g.target())
		}
	}
	g.sometimes(3, "+*: %s", g.one(g.user(), "reject", `"%1_%2@relay.example"`))
	g.sometimes(3, "++: %s", g.one(g.user(), "reject", `"d-%1%3@relay.example"`))
}

func (g *generator) catchAll(i int) string {
	return g.one("reject", "local", g.user(), `{reject: "no such address (really); 100% sure <x@y>"}`, `{defer: "later, please"}`,
		`"%1@relay.example"`, `"%1%3@relay.example"`, "{domain: partner.example}", "[root, bin]",
		"{domain: "+g.domains[(i+1)%len(g.domains)]+"}")
}

func (g *generator) target() string {
	choices := []string{g.user(), g.user(), g.user(), "mailman", "ann@partner.example", "Ann+x@Partner.Example"}
	if len(g.locals) > 0 {
		choices = append(choices, g.one(g.locals...), strings.ToUpper(g.one(g.locals...)))
	}
	return g.one(choices...)
}

func (g *generator) value(key string) string {
	form := inventory.ParseForm(strings.ToLower(key))
	choices := []string{g.target(), g.target(), g.target(), g.target(), "reject", "defer",
		"[root, bin, out@partner.example]", "[mailman, " + g.one("games", "sys") + "]",
		`{to: [root, games], bounces_to: bin}`, `{to: daemon, bounces_to: bin}`,
		`{reject: "Ann has left; write to info@d.example (soon), it's 50% off"}`,
		`{reject: {code: 551, status: 5.1.6, text: "now at partner.example"}}`, `{defer: {code: 451, text: "moving"}}`,
		"{to: " + g.user() + ", enabled: false}"}
	switch form {
	case inventory.Plain:
		choices = append(choices, "{to: "+g.target()+", detail: keep}", "{to: "+g.target()+", detail: reject}",
			"{to: [root, sys], detail: keep}", "{to: "+g.user()+", detail: drop}", `"%1-%2@relay.example"`)
	case inventory.AnyDetail, inventory.SomeDetail:
		choices = append(choices, `"d-%2@relay.example"`, `"%1%3@relay.example"`, "{to: "+g.user()+", detail: keep}")
	case inventory.ExactDetail:
		choices = append(choices, `"%1@relay.example"`)
	}
	return g.one(choices...)
}

// Vectors returns addresses for a lookup: every listed address with and without
// detail, addresses that are not listed, roles, accounts, and addresses in other
// domains.
func Vectors(r *rand.Rand, m *inventory.Model) []string {
	var all []string
	add := func(local, domain string) { all = append(all, local+"@"+domain) }
	for i := range m.Domains {
		d := &m.Domains[i]
		for j := range d.Addresses {
			a := &d.Addresses[j]
			user := a.User()
			if user == "" {
				user = "anyone"
			}
			add(user, d.Name)
			add(user+"+detail", d.Name)
			add(user+"+odd", d.Name)
			add(user+"+", d.Name)
			switch r.IntN(4) {
			case 0:
				add(strings.ToUpper(user), strings.ToUpper(d.Name))
			case 1:
				add(user+"x", d.Name)
			case 2:
				add(user[:len(user)-1], d.Name)
			case 3:
				add(user+"+a+b", d.Name)
			}
		}
		for _, local := range []string{"postmaster", "abuse", "abuse+x", "hostmaster", "root", "shared0", "extra", Accounts[r.IntN(len(Accounts))], "mailman", "nobody-here", "nobody-here+x", "nobody-here+"} {
			add(local, d.Name)
		}
	}
	for _, domain := range []string{HostName, "localhost", "local.example.net", "nowhere.example", "twin.example"} {
		add(Accounts[r.IntN(len(Accounts))], domain)
		add("nobody-here", domain)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(addr string) bool {
		_, problem := mailaddr.Fold(addr)
		return problem != nil
	})
}
