package importer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A siteMaker makes sites.
type siteMaker struct {
	*rand.Rand
	s *mailSite
}

func (g *siteMaker) pick(words ...string) string { return words[g.IntN(len(words))] }

// often is true once in n times.
func (g *siteMaker) often(n int) bool { return g.IntN(n) == 0 }

// mailSiteOf returns the site of a seed.
func mailSiteOf(seed uint64) *mailSite {
	g := &siteMaker{rand.New(rand.NewPCG(seed, 33)), &mailSite{types: map[string]string{}, texts: map[string]string{}, aliases: map[string]string{}, agent: true}}
	kinds := []struct {
		name string
		make func()
	}{
		{"virtual alias domains", g.aliasDomains}, {"domains declared in the map", g.declared}, {"mailboxes of virtual(8)", g.mailboxes},
		{"ISPmail", g.ispmail}, {"postfixadmin", g.postfixadmin}, {"docker-mailserver", g.docker}, {"mydestination", g.ownDomains}, {"everything", g.everything},
	}
	kind := kinds[seed%uint64(len(kinds))]
	g.s.kind = kind.name
	g.common()
	kind.make()
	g.extras()
	return g.s
}

// mapType returns a type of maps. Only texts with one line a row can be a texthash.
func (g *siteMaker) mapType() string { return g.pick("hash", "hash", "cdb", "lmdb", "texthash") }

// common writes what every main.cf has, and the alias file.
func (g *siteMaker) common() {
	s := g.s
	s.delimiter = g.pick("+", "+", "+", "+", "", "-")
	if g.s.kind == "docker-mailserver" {
		s.delimiter = "+"
	}
	s.main = append(s.main, "compatibility_level = 3.6", "myhostname = "+siteHost)
	if s.delimiter != "" {
		s.set("recipient_delimiter", s.delimiter)
	}
	if g.often(4) {
		s.set("propagate_unmatched_extensions", g.pick("canonical", "canonical, virtual", ""))
	}
	var text strings.Builder
	for _, alias := range [][2]string{
		{"postmaster", "root"}, {"staff", "andrei, bea"}, {"ops", "staff, guard@far.example"}, {"lists", `"|/usr/bin/list post"`}, {"archive", "/var/mail/archive"},
		{"crew", "andrei,carol"}, {"owner-crew", "bea"}, {"abuse", "root"},
	} {
		name, right := alias[0], alias[1]
		if g.often(2) || name == "staff" || name == "postmaster" {
			s.aliases[name] = right
			text.WriteString(name + ": " + right + "\n")
		}
	}
	s.texts["aliases"] = text.String()
	s.set("alias_maps", "hash:DIR/aliases")
	s.types["aliases"] = "aliases"
}

// name returns a local part.
func (g *siteMaker) name() string {
	return g.pick("ann", "bob", "info", "sales", "office", "old", "team", "x.y", "a_b", "o'hara", "kim-lee", "7up", "andrei", "bea", "root", "staff", "Ann", "INFO",
		"info+x", "ann+news", "a.very.long.name.of.more.than.32.letters")
}

// target returns one target.
func (g *siteMaker) target(domain string) string {
	s := g.s
	all := s.domains()
	other := all[g.IntN(len(all))]
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		return g.pick("andrei", "bea", "carol", "andrei", "Bea")
	case 4:
		return g.pick("staff", "lists", "archive", "ops", "crew", "postmaster", "nobody.there", "root")
	case 5, 6, 7:
		return g.pick("ann", "bob", "x", "Cleo") + "@" + g.pick("far.example", "far.example", "Other.Example")
	case 8:
		return g.pick("andrei", "bea", "staff", "andrei+box", "nosuch") + "@" + siteHost
	case 9:
		return g.pick("andrei", "bea") + "@" + g.pick("localhost", siteHost, "$D"+other)
	case 10, 11:
		return g.name() + "@" + domain
	case 12:
		return g.pick("andrei+box", "bea+x", `\andrei`, "andrei")
	}
	return g.name() + "@" + other
}

// right returns a right side.
func (g *siteMaker) right(domain string) string {
	right := g.target(domain)
	for g.often(3) {
		right += g.pick(", ", ",", " ", ", ", ",\n  ", "\n\t") + g.target(domain)
	}
	return strings.ReplaceAll(right, "$D", "")
}

// aliasRows returns rows of virtual(5) for a domain.
func (g *siteMaker) aliasRows(domain string, most int) string {
	var b strings.Builder
	for range g.IntN(most + 1) {
		name := g.name()
		key := name + "@" + g.pick(domain, domain, domain, strings.ToUpper(domain))
		right := g.right(domain)
		switch g.IntN(12) {
		case 0:
			right = key
		case 1:
			right = key + g.pick(", ", ",", " ") + g.target(domain)
		}
		b.WriteString(g.pick("", "", "", "# about "+name+"\n", "\n") + key + g.pick(" ", "\t", "   ") + right + "\n")
	}
	return b.String()
}

// catchAll returns the row of a catch-all, or nothing.
func (g *siteMaker) catchAll(domain string) string {
	all := append(g.s.domains(), "far.example")
	switch g.IntN(8) {
	case 0:
		return "@" + domain + " " + g.pick("andrei", "bea", "staff", "ann@far.example", "andrei, bea") + "\n"
	case 1:
		return "@" + domain + " @" + all[g.IntN(len(all))] + "\n"
	case 2:
		return "@" + domain + " " + g.pick("ann", "bob", "info") + "@" + domain + "\n"
	case 3:
		return "@" + domain + " " + g.target(domain) + "\n"
	}
	return ""
}

// aliased returns the rows of virtual(5) for some domains.
func (g *siteMaker) aliased(domains ...string) string {
	var b strings.Builder
	for _, domain := range domains {
		b.WriteString(g.aliasRows(domain, 7))
		b.WriteString(g.catchAll(domain))
	}
	return strings.ReplaceAll(b.String(), "$D", "")
}

// listOf writes a list of domains in one of the ways of main.cf.
func (g *siteMaker) listOf(param string, names ...string) {
	s := g.s
	switch file := strings.ReplaceAll(param, "_", "-"); g.IntN(6) {
	case 0:
		s.set(param, strings.Join(names, ",\n    "))
	case 1:
		s.texts[file] = strings.Join(names, "\n") + "\n"
		s.set(param, "DIR/"+file)
	case 2:
		s.set(param, s.table(g.mapType(), file, strings.Join(names, " x\n")+" x\n"))
	case 3:
		s.set(param, strings.Join(names, " "))
	default:
		s.set(param, names...)
	}
}

// ways writes virtual_alias_maps.
func (g *siteMaker) aliasMaps(text string) {
	s := g.s
	specs := []string{s.table(g.mapType(), "virtual", text)}
	if g.often(4) {
		specs = append(specs, s.table(g.mapType(), "virtual2", g.aliased(s.domains()[g.IntN(len(s.domains()))])))
	}
	if g.often(7) {
		specs = append(specs, s.table("regexp", "rules", g.pick("/^sales-(.*)@"+s.domains()[0]+"$/ andrei\n", "/^bob@(.*)$/ bea\n", "/^no\\.one@/ ann@far.example\n")))
	}
	if g.often(12) {
		specs = append(specs, "hash:DIR/gone")
		s.missing = append(s.missing, "gone")
	}
	s.set("virtual_alias_maps", strings.Join(specs, g.pick(", ", " ", ",\n   ")))
}

// boxNames returns the addresses of some mailboxes of a domain.
func (g *siteMaker) boxNames(domain string) (all []string) {
	for _, name := range []string{"ann", "bob", "info", "andrei", "kim-lee", "x.y", "o'hara", "cleo+tag", "root", "staff"} {
		if g.often(3) {
			all = append(all, name+"@"+domain)
		}
	}
	if len(all) == 0 {
		all = append(all, "ann@"+domain)
	}
	return all
}

// domainsIn returns some of the names, at least one, in order.
func (g *siteMaker) some(names ...string) (all []string) {
	for len(all) == 0 {
		all = slices.DeleteFunc(slices.Clone(names), func(string) bool { return g.often(2) })
	}
	return all
}

// accessRows returns rows of access(5) for addresses of the site.
func (g *siteMaker) accessRows() string {
	var b strings.Builder
	all := g.s.domains()
	for range 1 + g.IntN(4) {
		domain := all[g.IntN(len(all))]
		key := g.pick(g.name()+"@"+domain, g.name()+"@"+domain, g.name()+"@"+domain, domain, "old@", "nobody-has-this-name@"+domain)
		fmt.Fprintf(&b, "%s %s\n", key, g.pick("REJECT", "REJECT gone away", "550 5.1.1 Ann left; write to info", "550 gone", "450 4.2.1 being moved", "DEFER", "DEFER later", "OK", "DUNNO", "551 5.1.6 now at far.example"))
	}
	return b.String()
}
