package postfix

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
)

// A setting is a parameter with a value that changes what is promised, although Postfix
// reads everything of a build.
type setting struct {
	name  string
	bad   func(value string) bool // reports whether a value breaks a promise
	why   string                  // what the value does
	write string                  // the value to write
}

// is returns a test for one word, in any case.
func is(word string) func(string) bool {
	return func(value string) bool { return strings.EqualFold(strings.TrimSpace(value), word) }
}

// isNot returns a test for a value that is set, and is not the word.
func isNot(word string) func(string) bool {
	return func(value string) bool { return value != "" && value != word }
}

// settings are the parameters of which the value alone says what it changes (postconf(5)).
var settings = []setting{
	{"soft_bounce", is("yes"), "each refusal for good becomes one for now, and senders try for days", "no"},
	{"smtpd_reject_unlisted_recipient", is("no"), "addresses that are not listed are taken and bounced later", "yes"},
	{"local_recipient_maps", is(""), "every name is taken at the domains of mydestination, and bounced later or sent to luser_relay", "proxy:unix:passwd.byname $alias_maps"},
	{"unknown_virtual_alias_reject_code", isNot("550"), "addresses that are not listed get this code, and not 550", "550"},
	{"append_at_myorigin", is("no"), "names without a domain get none, and mail to them bounces", "yes"},
	{"append_dot_mydomain", is("yes"), "a domain without a dot is completed with $mydomain", "no"},
	{"receive_override_options", has("no_address_mappings"), "the rows of the inventory are not looked up for mail that a filter does not bring back", ""},
	{"receive_override_options", has("no_unknown_recipient_checks"), "addresses that are not listed are taken and bounced later", ""},
}

// has returns a test for a list with a word.
func has(word string) func(string) bool {
	return func(value string) bool { return slices.Contains(lowered(value), word) }
}

// advice returns what the settings of a site change in what the inventory promises. Such a
// change is no gap: a site may want it.
func (s *serving) advice() (all []mta.Complaint) {
	add := func(param, write, format string, args ...any) {
		_, line, _ := s.config.Set(param)
		all = append(all, mta.Complaint{Place: at(s.config.Path, line), Text: fmt.Sprintf(format, args...), Mend: write})
	}
	for _, set := range settings {
		value, _, given := s.config.Set(set.name)
		if expanded := s.config.Param(set.name); given && !s.filtered(set.name) && set.bad(expandedOr(expanded, value)) {
			add(set.name, set.name+" = "+set.write, "%s is %q: %s", set.name, value, set.why)
		}
	}
	if s.config.Param("luser_relay") != "" && s.config.Param("local_recipient_maps") == "" {
		add("luser_relay", "luser_relay =", "luser_relay takes the mail of every unknown name at the domains of mydestination")
	}
	if level, _, _ := strings.Cut(s.config.Param("compatibility_level"), "."); level == "0" || level == "1" {
		add("compatibility_level", "compatibility_level = 3.6", "compatibility_level is below 2: relay_domains is then $mydestination, and mail for names below these domains is relayed")
	}
	if value := s.config.Param("relay_recipient_maps"); value != "" && relays(s.build.Model) {
		add("relay_recipient_maps", "relay_recipient_maps =", "relay_recipient_maps is %q: addresses of backup domains that it does not have are refused", value)
	}
	if value := s.config.Param("virtual_transport"); value != "virtual" && s.build.needs.mailboxes {
		add("virtual_transport", "virtual_transport = virtual", "virtual_transport is %q, and the mailboxes of the inventory are written by virtual", value)
	}
	s.adviceOrigin(add)
	s.adviceLists(add)
	s.adviceMaps(add)
	s.adviceChecks(add)
	s.adviceSenders(add)
	return append(all, s.adviceServices()...)
}

// expandedOr returns the expanded value; one that cannot be expanded counts as written.
func expandedOr(expanded, written string) string {
	if expanded == "" && strings.Contains(written, "$") {
		return written
	}
	return expanded
}

// filtered reports whether a setting is usual beside a content filter, which brings mail
// back to another service.
func (s *serving) filtered(name string) bool {
	if name != "receive_override_options" {
		return false
	}
	return s.config.Param("content_filter") != "" || slices.ContainsFunc(s.config.Services(), func(service maincf.Service) bool {
		return s.config.ParamOf(service, "content_filter") != ""
	})
}

// onLoopback reports whether a service listens only for programs of this machine, such as a
// filter that brings mail back, which has passed the checks already.
func onLoopback(service maincf.Service) bool {
	host, _, listens := strings.Cut(service.Name, ":")
	return listens && (host == "localhost" || strings.HasPrefix(host, "127.")) || strings.HasPrefix(service.Name, "[::1]:")
}

// An adder adds a complaint about a parameter. write is the line to write.
type adder = func(param, write, format string, args ...any)

// adviceOrigin reports a myorigin with which mail to a name without a domain goes to a
// domain of the inventory, or leaves the server.
func (s *serving) adviceOrigin(add adder) {
	origin := s.myorigin()
	_, virtual := s.build.Model.Domain(origin)
	_, local := s.holder("mydestination", origin)
	switch {
	case origin == "", slices.Contains(localNames(s.build.Model), origin):
	case virtual && !local:
		add("myorigin", "myorigin = $myhostname", "myorigin is %s, a domain of the inventory: mail to a name without a domain, such as that of cron, goes to its addresses", origin)
	case !local:
		add("myorigin", "myorigin = $myhostname", "myorigin is %s, which is not in mydestination: mail to a name without a domain leaves the server", origin)
	}
}

// adviceLists names a list of the site with a virtual domain, which Postfix passes over
// with a warning at every message.
func (s *serving) adviceLists(add adder) {
	d := newDomains(s.build.Model)
	for _, list := range []string{"virtual_mailbox_domains", "relay_domains"} {
		for i := range s.build.Model.Domains {
			name := s.build.Model.Domains[i].Name
			element, held := s.holder(list, name)
			if held && d.virtual(i) {
				add(list, "take "+element+" out of "+list, "%s is in virtual_alias_domains and, by %q, in %s: Postfix warns each time", name, element, list)
				break
			}
		}
	}
}

// adviceMaps names tables of the site that change the addresses of the inventory.
func (s *serving) adviceMaps(add adder) {
	rows := s.build.compiled.virtual
	for _, param := range []string{"canonical_maps", "recipient_canonical_maps", "relocated_maps", "virtual_alias_maps"} {
		for _, element := range s.config.List(param) {
			if key, found := s.hit(element, rows); found {
				add(param, "take "+key+" out of "+element, "%s of %s has %s, which the inventory has too", element, param, key)
			} else if name, found := s.hitsAccount(param, element); found {
				add(param, "write "+name+"@… with its domain into "+element, "%s of %s has %q without a domain, which holds for the account", element, param, name)
			}
		}
	}
	for _, element := range s.config.List("transport_maps") {
		if key, found := s.hit(element, s.transported()); found {
			add("transport_maps", "take "+key+" out of "+element, "%s of transport_maps has %s, whose mail then goes another way", element, key)
		}
	}
}

// hitsAccount returns a user for whose bare name a table of the site has a row.
func (s *serving) hitsAccount(param, element string) (name string, found bool) {
	if param != "virtual_alias_maps" {
		return "", false
	}
	var names mapfile.Pairs
	for _, u := range s.build.Model.Users {
		names = append(names, [2]string{u.Name.Text, ""})
	}
	return s.hit(element, names)
}

// transported returns the domains whose mail a row of a transport table would send
// another way: those that are local or relayed, and virtmap's own.
func (s *serving) transported() (names mapfile.Pairs) {
	d := newDomains(s.build.Model)
	for i := range s.build.Model.Domains {
		if d.local(i) || d.relayed(i) {
			for _, name := range namesOf(s.build.Model.Domains[i].Name) {
				names = append(names, [2]string{name, ""})
			}
		}
	}
	return append(names, [2]string{s.build.compiled.host, ""}, [2]string{mailboxDomain, ""}, [2]string{refusedDomain, ""})
}

// adviceChecks reports clients for whom smtpd(8) does not ask the refusals of the
// inventory.
func (s *serving) adviceChecks(add adder) {
	for _, n := range s.build.needed() {
		if n.line.Name != recipientChecks {
			continue
		}
		before, _ := s.checksBefore(n.element, recipientChecks)
		for _, restriction := range before {
			word, _, _ := strings.Cut(strings.ToLower(restriction), " ")
			if slices.Contains(passClients, word) || strings.HasPrefix(word, "check_") && !ours(restriction[strings.LastIndexByte(restriction, '/')+1:]) {
				add(recipientChecks, s.write(n.line), "%s has %q before %q: mail that it lets pass is taken for refused addresses, and bounced later", recipientChecks, restriction, n.element)
				return
			}
		}
	}
	for _, list := range []string{"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions"} {
		if strings.Contains(s.config.Param(list), fileAccess) && is("no")(s.config.Param("smtpd_delay_reject")) {
			add("smtpd_delay_reject", "smtpd_delay_reject = yes", "%s names %s, which with smtpd_delay_reject = no is never asked there", list, fileAccess)
		}
	}
}

// watched are the parameters that a service of master.cf should not set for itself.
var watched = []string{
	"smtpd_recipient_restrictions", "smtpd_relay_restrictions", "virtual_alias_maps", "virtual_alias_domains", "mydestination", "recipient_delimiter",
	"receive_override_options", "smtpd_reject_unlisted_recipient", "soft_bounce",
}

// adviceServices names services of master.cf that do not give effect to the inventory.
func (s *serving) adviceServices() (all []mta.Complaint) {
	for _, service := range s.config.Services() {
		if onLoopback(service) {
			continue
		}
		lost := s.lost(service)
		for _, o := range service.Overrides {
			unusual := slices.ContainsFunc(settings, func(set setting) bool { return set.name == o.Name && set.bad(o.Value) && !s.filtered(set.name) })
			switch {
			case !slices.Contains(watched, o.Name), !runs(service, "smtpd") && !runs(service, "cleanup"):
			case slices.Contains(lost, o) && !public(service), unusual, o.Name == "smtpd_relay_restrictions" && public(service):
				all = append(all, mta.Complaint{Place: at(s.master(), service.Line), Mend: "take -o " + o.Name + "=… out, or write the value of main.cf into it",
					Text: overrideText(service, o)})
			}
		}
	}
	return all
}

// overrideText says that an override takes the place of a setting.
func overrideText(s maincf.Service, o maincf.Override) string {
	return fmt.Sprintf("the service %s has -o %s=%s: for its mail the inventory is not in full effect", s.Name, o.Name, o.Value)
}
