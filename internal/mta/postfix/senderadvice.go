package postfix

import (
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mapfile"
)

// realmParam is the parameter with the realm that Cyrus SASL puts behind the name of a user.
const realmParam = "smtpd_sasl_local_domain"

// adviceSenders reports settings with which the tables about senders have no effect, or
// another one.
func (s *serving) adviceSenders(add adder) {
	if s.build.needs.senders {
		s.adviceLogins(add)
	}
	if !s.build.needs.canonical {
		return
	}
	classes := lowered(s.config.Param("sender_canonical_classes"))
	if !slices.Contains(classes, "envelope_sender") || !slices.Contains(classes, "header_sender") {
		add("sender_canonical_classes", "sender_canonical_classes = envelope_sender, header_sender",
			"sender_canonical_classes is %q, and sends_as needs both the envelope and the From", strings.Join(classes, ", "))
	}
	s.adviceAgain(add)
	s.adviceMasquerade(add)
}

// adviceLogins reports that nobody can log in, or only under other names, and rows of the site
// that count before the rows @domain of the inventory.
func (s *serving) adviceLogins(add adder) {
	if len(s.config.Services()) > 0 && len(s.loginServices()) == 0 {
		add(saslEnable, "smtpd_sasl_auth_enable = yes, or -o smtpd_sasl_auth_enable=yes at the service submission of master.cf",
			"no service lets users log in (smtpd_sasl_auth_enable), so that nobody is asked whether a sender is allowed")
	}
	for _, service := range s.loginServices() {
		realm := s.config.ParamOf(service, realmParam)
		if realm != "" && s.config.ParamOf(service, "smtpd_sasl_type") != "dovecot" {
			add(realmParam, realmParam+" =", "%s is %q: users of the service %s log in as user@%s, and the inventory has their names alone, so that all their senders are refused", realmParam, realm, service.Name, realm)
			break
		}
	}
	rows := s.rowsOf(fileSenders)
	for _, element := range s.config.List(loginMaps) {
		if key, found := s.beside(element, rows); found {
			add(loginMaps, "take "+key+" out of "+element+", or write it into the inventory", "%s of %s has %s, a row that the inventory does not have and that counts", element, loginMaps, key)
		}
	}
}

// beside returns a key of a table of the site that is no key of some rows and is at a domain of
// the inventory. A table whose rows cannot be listed has none.
func (s *serving) beside(element string, rows mapfile.Rows) (key string, found bool) {
	if filepath.Base(element) == fileSenders {
		return "", false
	}
	t, err := s.tables.Open(element)
	if err != nil || t.Each == nil {
		return "", false
	}
	have := map[string]bool{}
	for key := range mapfile.All(rows) {
		have[string(key)] = true
	}
	_ = t.Each(func(k, _ string) bool { // what cannot be read has no key
		k = mailaddr.Lower(k)
		_, domain, at := mailaddr.Split(k)
		_, listed := s.build.Model.Domain(aLabel(domain))
		if at && listed && !have[k] {
			key, found = k, true
		}
		return !found
	})
	return key, found
}

// adviceAgain reports tables of the site that change a sender of virtmap-sender-canonical once
// more.
func (s *serving) adviceAgain(add adder) {
	var rows mapfile.Pairs
	for _, u := range s.build.Model.Users {
		if sendsAs(s.build.Model, &u) {
			_, domain, _ := mailaddr.Split(u.SendsAs.Text)
			rows = append(rows, [2]string{u.SendsAs.Text, ""}, [2]string{"@" + domain, ""})
		}
	}
	for _, param := range []string{"canonical_maps", "smtp_generic_maps"} {
		for _, element := range s.config.List(param) {
			if key, found := s.hit(element, rows); found {
				add(param, "take "+key+" out of "+element, "%s of %s has %s: it changes the sender of a user with sends_as once more", element, param, key)
			}
		}
	}
}

// adviceMasquerade reports that masquerade_domains shortens the domain of a sender of
// virtmap-sender-canonical.
func (s *serving) adviceMasquerade(add adder) {
	list := lowered(s.config.Param("masquerade_domains"))
	for _, u := range s.build.Model.Users {
		_, domain, _ := mailaddr.Split(u.SendsAs.Text)
		if !sendsAs(s.build.Model, &u) || slices.Contains(list, "!"+domain) {
			continue
		}
		for _, name := range list {
			if strings.HasSuffix(domain, "."+name) {
				add("masquerade_domains", "masquerade_domains = "+strings.Join(append([]string{"!" + domain}, list...), ", "),
					"masquerade_domains makes %s of %s, the domain of the sender of %s", name, domain, u.Name.Text)
				return
			}
		}
	}
}
