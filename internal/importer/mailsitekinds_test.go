package importer_test

import (
	"path"
	"strings"
)

// destination writes mydestination, with further domains.
func (g *siteMaker) destination(domains ...string) {
	g.s.local = domains
	g.s.set("mydestination", append([]string{"$myhostname", g.pick("localhost.$mydomain, localhost", "localhost")}, domains...)...)
}

// aliasDomains is virtual_alias_domains with virtual_alias_maps.
func (g *siteMaker) aliasDomains() {
	g.destination()
	g.s.virtual = g.some("d.example", "e.example", "shop.example")
	g.listOf("virtual_alias_domains", g.s.virtual...)
	g.aliasMaps(g.aliased(g.s.virtual...) + g.pick("", "", g.aliased(siteHost)))
}

// declared has no virtual_alias_domains: the keys of virtual_alias_maps that are domains
// are the domains.
func (g *siteMaker) declared() {
	g.destination()
	g.s.virtual = g.some("d.example", "e.example", "shop.example")
	text := ""
	for _, domain := range g.s.virtual {
		text += g.pick(domain, domain, strings.ToUpper(domain[:1])+domain[1:]) + " " + g.pick("anything", "VIRTUAL", "x") + "\n" + g.aliased(domain)
	}
	g.s.set("virtual_alias_maps", g.s.table(g.pick("hash", "cdb", "lmdb"), "virtual", text))
}

// boxTable writes virtual_mailbox_domains and virtual_mailbox_maps. value gives the value
// of an address.
func (g *siteMaker) boxTable(value func(addr string) string, domains ...string) (addrs []string) {
	g.s.boxes = domains
	g.listOf("virtual_mailbox_domains", domains...)
	var text strings.Builder
	for _, domain := range domains {
		for _, addr := range g.boxNames(domain) {
			addrs = append(addrs, addr)
			text.WriteString(g.pick("", "", "# box\n") + addr + g.pick(" ", "\t") + value(addr) + "\n")
		}
		if g.often(10) {
			text.WriteString("@" + domain + " " + value("rest@"+domain) + "\n")
		}
	}
	g.s.set("virtual_mailbox_maps", g.s.table(g.mapType(), "vmailbox", text.String()))
	return addrs
}

// agentSettings are the settings of virtual(8).
func (g *siteMaker) agentSettings(addrs []string) {
	s := g.s
	s.set("virtual_mailbox_base", g.pick("/var/mail/vhosts", "/srv/mail", "/var/mail/vhosts"))
	if g.often(3) {
		var text strings.Builder
		for _, addr := range addrs {
			text.WriteString(addr + " " + g.pick("5000", "5001", "5002") + "\n")
		}
		spec := s.table("hash", "uids", text.String()+"@"+s.boxes[0]+" 5009\n")
		s.set("virtual_uid_maps", spec, "static:5000")
	} else {
		s.set("virtual_uid_maps", "static:5000")
	}
	s.set("virtual_gid_maps", g.pick("static:5000", "static:5001"))
}

// ofDomain returns a path such as box.example/ann/.
func (g *siteMaker) ofDomain(end string) func(addr string) string {
	return func(addr string) string {
		local, domain, _ := strings.Cut(addr, "@")
		if g.often(12) {
			return path.Join(domain, "shared") + end
		}
		return path.Join(domain, strings.ReplaceAll(local, "+", "_")) + end
	}
}

// mailboxes is virtual_mailbox_domains with virtual(8), as VIRTUAL_README has it.
func (g *siteMaker) mailboxes() {
	g.destination()
	addrs := g.boxTable(g.ofDomain(g.pick("/", "", "/Maildir/")), g.some("box.example", "m.example")...)
	g.agentSettings(addrs)
	if g.often(2) {
		g.s.virtual = []string{"d.example"}
		g.listOf("virtual_alias_domains", "d.example")
	}
	g.aliasMaps(g.aliased(append(g.s.boxes, g.s.virtual...)...) + g.selfRows(addrs, 4))
}

// selfRows returns rows that lead mailboxes to themselves, one in n of them, and some that
// forward as well.
func (g *siteMaker) selfRows(addrs []string, n int) string {
	var b strings.Builder
	for _, addr := range addrs {
		if g.often(n) {
			b.WriteString(addr + " " + addr + g.pick("", "", "", ", x@far.example", ", andrei") + "\n")
		}
	}
	return b.String()
}

// lmtp says that a mailbox server delivers.
func (g *siteMaker) lmtp(spec string) {
	g.s.agent = false
	g.s.set("virtual_transport", spec)
}

// ispmail has three tables, of which that of the mailboxes says 1, and rows that lead
// mailboxes to themselves because of a catch-all.
func (g *siteMaker) ispmail() {
	g.destination()
	g.lmtp("lmtp:unix:private/dovecot-lmtp")
	addrs := g.boxTable(func(string) string { return "1" }, g.some("box.example", "m.example")...)
	text := g.aliased(g.s.boxes...)
	if g.often(2) {
		text += "@" + g.s.boxes[0] + " " + addrs[0] + "\n" + g.selfRows(addrs, 1)
	}
	g.aliasMaps(text + g.selfRows(addrs, 2))
	if g.often(6) {
		g.s.hidden = append(g.s.hidden, "vmailbox")
	}
}

// postfixadmin has a row for each mailbox in virtual_alias_maps, and alias domains.
func (g *siteMaker) postfixadmin() {
	g.destination()
	if g.often(2) {
		g.lmtp(g.pick("lmtp:unix:private/dovecot-lmtp", "dovecot", "lmtp:inet:127.0.0.1:24"))
	}
	addrs := g.boxTable(g.ofDomain("/"), g.some("box.example", "m.example")...)
	g.agentSettings(addrs)
	text := g.aliased(g.s.boxes...) + g.selfRows(addrs, 1)
	if g.often(2) {
		g.s.virtual = []string{"alias.example"}
		g.listOf("virtual_alias_domains", g.s.virtual...)
		text += "@alias.example @" + g.s.boxes[0] + "\n"
	}
	g.aliasMaps(text)
	if g.often(3) {
		g.s.relayed = []string{"b.example"}
		g.listOf("relay_domains", "b.example")
	}
}

// docker is the main.cf of docker-mailserver.
func (g *siteMaker) docker() {
	s := g.s
	s.set("mydestination", "localhost.$mydomain", "localhost", "$myhostname")
	s.boxes = g.some("box.example", "m.example")
	s.texts["vhost"] = strings.Join(s.boxes, "\n") + "\n"
	var boxes, rows strings.Builder
	var addrs []string
	for _, domain := range s.boxes {
		for _, addr := range g.boxNames(domain) {
			local, _, _ := strings.Cut(addr, "@")
			addrs = append(addrs, addr)
			boxes.WriteString(addr + " " + domain + "/" + local + "/\n")
		}
		rows.WriteString(g.aliasRows(domain, 5) + g.catchAll(domain))
	}
	s.set("virtual_mailbox_domains", "DIR/vhost")
	s.set("virtual_mailbox_maps", s.table("texthash", "vmailbox", boxes.String()))
	s.set("virtual_alias_maps", s.table("texthash", "virtual", strings.ReplaceAll(rows.String(), "$D", "")+g.selfRows(addrs, 6)))
	s.set("virtual_mailbox_base", "/var/mail")
	s.set("virtual_uid_maps", "static:5000")
	s.set("virtual_gid_maps", "static:5000")
	g.lmtp("lmtp:unix:/var/run/dovecot/lmtp")
	s.set("smtpd_recipient_restrictions", "permit_sasl_authenticated", "permit_mynetworks", "reject_unauth_destination", "reject_unlisted_recipient")
}

// ownDomains has domains in mydestination, perhaps with rows and with bare keys.
func (g *siteMaker) ownDomains() {
	g.destination(g.some("corp.example", "d.example")...)
	text := g.aliased(append(g.s.local, siteHost)...)
	for range g.IntN(4) {
		text += g.pick("info", "sales", "andrei", "root", "office") + " " + g.pick("bea", "carol", "ann@far.example", "staff", "info@corp.example") + "\n"
	}
	if g.often(2) {
		g.s.virtual = []string{"e.example"}
		g.listOf("virtual_alias_domains", "e.example")
		text += g.aliased("e.example")
	} else {
		g.s.set("virtual_alias_domains", "")
	}
	g.aliasMaps(text)
}

// everything has all classes of domains.
func (g *siteMaker) everything() {
	g.destination(g.some("corp.example", "firm.example")...)
	g.s.virtual = g.some("d.example", "e.example", "shop.example")
	if g.often(4) {
		g.s.virtual = append(g.s.virtual, g.pick("bücher.example", "xn--bcher-kva.example"))
	}
	g.listOf("virtual_alias_domains", g.s.virtual...)
	addrs := g.boxTable(g.ofDomain(g.pick("/", "")), "box.example")
	g.agentSettings(addrs)
	g.s.relayed = []string{"b.example"}
	g.listOf("relay_domains", "b.example")
	if g.often(2) {
		g.s.set("relay_recipient_maps", g.s.table("hash", "relayed", g.pick("ann@b.example x\n", "@b.example x\n", "ann@b.example x\nbob@b.example x\n")))
	}
	g.aliasMaps(g.aliased(append(append([]string{"box.example", "b.example", siteHost}, g.s.virtual...), g.s.local...)...) + g.selfRows(addrs, 3))
}

// extras adds settings that any site may have.
func (g *siteMaker) extras() {
	s := g.s
	if g.often(3) && s.kind != "docker-mailserver" {
		check := "check_recipient_access " + s.table(g.mapType(), "access", g.accessRows())
		switch g.IntN(3) {
		case 0:
			s.set("smtpd_recipient_restrictions", "permit_mynetworks", "reject_unauth_destination", check)
		case 1:
			s.set("smtpd_recipient_restrictions", "reject_unauth_destination", check, "permit")
		default:
			s.set("smtpd_sender_restrictions", check)
		}
	}
	if g.often(8) {
		s.set("relocated_maps", s.table(g.mapType(), "relocated", g.pick("old@", "bob@", "gone@")+s.domains()[0]+" new@far.example\n"))
	}
	if g.often(8) {
		s.set(g.pick("canonical_maps", "recipient_canonical_maps", "sender_canonical_maps"), s.table("hash", "canonical", g.pick("ann@"+s.domains()[0]+" bob@"+s.domains()[0]+"\n", "andrei andrei.a@"+s.domains()[0]+"\n")))
	}
	if g.often(8) {
		s.set("smtp_generic_maps", s.table("hash", "generic", "andrei@"+siteHost+" andrei.a@"+s.domains()[0]+"\n"))
	}
	if g.often(10) {
		s.set("transport_maps", s.table("hash", "transport", g.pick("far.example smtp:[192.0.2.1]\n", "b.example relay:[192.0.2.2]\n")))
	}
}
