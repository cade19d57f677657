package postfix

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/internal/mta/postfix/program"
	"virtmap/inventory"
)

// clashes adds a gap for each of the site's settings with which Postfix would not do what
// the inventory promises for mail from a stranger.
func (s *serving) clashes() {
	s.hostNotLocal()
	s.classes()
	s.hidden()
	s.overrides()
	s.senders()
	if !s.guarded() {
		_, line, _ := s.config.Set("smtpd_relay_restrictions")
		s.add(gap{Gap: mta.Gap{Path: s.config.Path, Line: line, What: "no restriction refuses mail for other domains, so that smtpd takes no connection, or is an open relay",
			Write: "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"}})
	}
	s.noType()
	s.otherForm()
}

// hostNotLocal adds a gap if accounts are not at home at the domain with which the rows
// name them.
func (s *serving) hostNotLocal() {
	host := s.build.compiled.host
	if _, local := s.holder("mydestination", host); local {
		return
	}
	value, line, set := s.config.Set("mydestination")
	if !set {
		value = "$myhostname, localhost.$mydomain, localhost"
	}
	write := "mydestination = " + strings.Join(append(maincf.SplitList(value), host), ", ")
	s.add(gap{Gap: mta.Gap{Path: s.config.Path, Line: line, What: fmt.Sprintf("mydestination does not have %s, and mail for accounts would leave the server", host), Write: write}})
}

// classes adds a gap for each list of the site with a domain of the inventory that
// belongs into another list. Postfix looks into mydestination first, then into
// virtual_alias_domains, and then into the others (trivial-rewrite(8)).
func (s *serving) classes() {
	d := newDomains(s.build.Model)
	for i := range s.build.Model.Domains {
		var lists []string
		right := "virtual_alias_domains"
		switch {
		case d.relayed(i):
			lists, right = []string{"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"}, "relay_domains"
		case d.virtual(i):
			lists = []string{"mydestination"}
		}
		for _, list := range lists {
			s.inList(list, s.build.Model.Domains[i].Name, right)
		}
	}
}

// inList adds a gap if a list of the site has a domain. right is the list into which the
// domain belongs.
func (s *serving) inList(list, domain, right string) {
	for _, name := range namesOf(domain) {
		element, held := s.holder(list, name)
		if !held {
			continue
		}
		value, line, set := s.config.Set(list)
		if !set {
			value = s.config.Param(list)
		}
		write := list + " = " + strings.Join(without(s.configuration, maincf.SplitList(value), name), ", ")
		if strings.Contains(element, ":") || strings.HasPrefix(element, "/") {
			write = list + " = " + strings.Join(slices.DeleteFunc(maincf.SplitList(value), func(e string) bool { return e == element }), ", ")
		}
		s.add(gap{Gap: mta.Gap{Path: s.config.Path, Line: line, Write: write,
			What: fmt.Sprintf("%s has %s by %q, and the domain belongs into %s: its addresses would get other outcomes", list, domain, element, right)}})
		return
	}
}

// without returns the elements of a list that do not stand for a name.
func without(c *configuration, list []string, name string) []string {
	return slices.DeleteFunc(list, func(element string) bool {
		return strings.EqualFold(c.config.Apply([]byte("virtmap_element = "+element+"\n")).Param("virtmap_element"), name)
	})
}

// hidden adds a gap for each table of the site that answers before ours for a key of ours.
func (s *serving) hidden() {
	texts := s.build.Texts()
	for i, file := range Files {
		if texts[i].Unused || texts[i].Rows == nil {
			continue
		}
		for _, n := range s.build.needed() {
			if n.file() == file.Name && mapLists[n.line.Name] {
				s.hides(n, texts[i].Rows)
			}
		}
	}
}

// mapLists are the lists of tables that are asked in their order.
var mapLists = map[string]bool{
	"virtual_alias_maps": true, "virtual_mailbox_maps": true, "virtual_uid_maps": true, "virtual_gid_maps": true, "transport_maps": true, "alias_maps": true,
	loginMaps: true, canonicalMaps: true,
}

// hides adds a gap if a table that stands before the table of a need has one of its keys.
func (s *serving) hides(n need, rows mapfile.Rows) {
	for _, element := range s.config.List(n.line.Name) {
		if sameTable(element, n.element) {
			return
		}
		key, found := s.hit(element, rows)
		if !found {
			continue
		}
		_, line, _ := s.config.Set(n.line.Name)
		others := slices.DeleteFunc(s.config.List(n.line.Name), func(e string) bool { return sameTable(e, n.element) })
		s.add(gap{Gap: mta.Gap{Path: s.config.Path, Line: line, Write: n.line.Name + " = " + strings.Join(append([]string{n.element}, others...), ", "),
			What: fmt.Sprintf("%s names %s before %s, and it has %s too", n.line.Name, element, n.element, key)}})
	}
}

// overrides adds a gap for each -o of a service that takes mail of strangers, if the -o
// takes the place of a setting that the build needs.
func (s *serving) overrides() {
	for _, service := range s.config.Services() {
		if !public(service) {
			continue
		}
		for _, o := range s.lost(service) {
			s.add(gap{Gap: mta.Gap{Path: s.master(), Line: service.Line, What: fmt.Sprintf("the service %s has -o %s=%s, which takes the place of the value in main.cf", service.Name, o.Name, o.Value),
				Write: service.Name + " " + service.Type + " … " + service.Command + ", without -o " + o.Name + "=…"}})
		}
	}
}

// public reports whether a service takes mail of strangers, or rewrites the addresses of
// all mail.
func public(s maincf.Service) bool {
	_, port, listens := strings.Cut(s.Name, ":")
	if !listens {
		port = s.Name
	}
	mail := s.Type == "inet" && (port == "smtp" || port == "25") || s.Type == "pass" && s.Name == "smtpd"
	return mail && runs(s, "smtpd") || s.Name == "cleanup" && runs(s, "cleanup")
}

// runs reports whether the command of a service is a program. master(8) takes a command
// with slashes as a path from daemon_directory.
func runs(s maincf.Service, program string) bool { return filepath.Base(s.Command) == program }

// lost returns the overrides of a service that take away what the build needs.
func (s *serving) lost(service maincf.Service) (all []maincf.Override) {
	for _, o := range service.Overrides {
		with := *s.configuration
		l, config := *s.layout, s.config.Apply([]byte(o.Name+" = "+s.config.ParamOf(service, o.Name)+"\n"))
		l.config, with.layout = config, &l
		loses := func(n need) bool {
			if n.line.Name != o.Name || n.line.Name == loginMaps || n.line.Name == senderChecks { // about these speaks senders
				return false
			}
			here, _ := s.lacks(n)
			there, _ := with.lacks(n)
			return here == "" && there != ""
		}
		if slices.ContainsFunc(s.build.needed(), loses) {
			all = append(all, o)
		}
	}
	return all
}

// typePackages are the packages of Debian with a type of maps (postfix(1), dynamicmaps.cf).
var typePackages = map[string]string{"cdb": "postfix-cdb", "lmdb": "postfix-lmdb"}

// noType adds a gap if the installed Postfix does not open maps of the build's type.
func (s *serving) noType() {
	typ := strings.TrimSuffix(mapPrefix(s.build.Model.Host.Map), ":")
	if s.types == nil || slices.Contains(s.types, typ) {
		return
	}
	s.add(gap{command: true, Gap: mta.Gap{Path: s.config.Path, Write: mendType(typ, s.types),
		What: fmt.Sprintf("this Postfix opens no maps of type %s, and would answer 451 to all mail", typ)}})
}

// mendType says what to do if a Postfix that opens some types of maps does not open typ.
func mendType(typ string, types []string) string {
	switch {
	case typ != "hash":
		return "install the package " + typePackages[typ] + " (as Debian names it), or write \"map: texthash\" into the inventory"
	case slices.Contains(types, "lmdb"):
		return "write \"map: lmdb\" into the inventory: this Postfix is built without Berkeley DB"
	}
	return "write \"map: texthash\" into the inventory: this Postfix is built without Berkeley DB"
}

// otherForm adds a gap if the installed Postfix reads the other form of lmdb.
func (s *serving) otherForm() {
	typ := s.build.Model.Host.Map
	if !s.here || mapPrefix(typ) != "lmdb:" || !slices.Contains(s.types, "lmdb") {
		return
	}
	root, err := program.Installed()
	if err != nil {
		return // nothing can be tried
	}
	others := map[inventory.MapType]inventory.MapType{inventory.MapLMDB: inventory.MapLMDB1, inventory.MapLMDB1: inventory.MapLMDB}
	reads := func(typ inventory.MapType) bool {
		read, err := readsForm([]string{filepath.Join(root.Sbin, "postmap")}, string(typ))
		return read && err == nil // what cannot be tried is not judged
	}
	if !reads(typ) && reads(others[typ]) {
		s.add(gap{command: true, Gap: mta.Gap{Path: s.config.Path, Write: "write \"map: " + string(others[typ]) + "\" into the inventory",
			What: fmt.Sprintf("this Postfix does not read maps of the form %s, but those of %s", typ, others[typ])}})
	}
}
