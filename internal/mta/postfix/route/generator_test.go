package route

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// A generator makes configurations and addresses.
type generator struct{ *rand.Rand }

func (g *generator) pick(words ...string) string { return words[g.IntN(len(words))] }

func (g *generator) local() string {
	return g.pick("a", "b", "andrei", "bea", "list", "x", "k", "staff", "staff2", "more2", "root", "postmaster", "owner-a", "a-request", "A", "carol", "half.way") +
		g.pick("", "", "", "+x", "+Y", "-x", "+", "+x+y", "-x+y", "=z")
}

func (g *generator) domain() string {
	return g.pick("d.example", "d.example", "d.example", "e.example", "m.example", "b.example", "mx1.example.net", "localhost", "out.example",
		g.pick("sub.d.example", "sub.b.example", "l.example", "example.net", "[127.0.0.1]", "v.d.example"))
}

func (g *generator) address() string {
	switch g.IntN(24) {
	case 0:
		return g.local()
	case 1:
		return `"` + g.pick("a", "sp ace", "a@b", "a+x", "a.", "", `q\"q`, "a%d.example", "b!a") + `"@` + g.domain()
	case 2:
		return g.local() + g.pick("%", "!", "@") + g.domain() + "@" + g.domain()
	case 3:
		return g.local() + "%" + g.domain()
	case 4:
		return g.domain() + "!" + g.local()
	case 5:
		return g.pick("", "@", "a@", "@"+g.domain(), "a@.", "a..b@d.example", ".a@d.example", "a.@d.example", "a@d..example", "a@-d.example", "-a@d.example",
			"a,b@d.example", "a b@d.example", "<a@d.example>", "a@d.example (c)", "(c)a@d.example", "x:a@d.example", "a;b@d.example", "a@[1.2.3.4]",
			"a@[1.2.3]", "a@1.2.3.4", "@x.example:a@d.example", `a\@d.example`, `a\ b@d.example`, "a@d_x.example",
			"a@localhost.", "a@d.example.", "a@d.example..", "a(b)c@d.example", "double-bounce@mx1.example.net", "mailer-daemon@localhost", "a@@d.example",
			`"a@d.example`, "a|b@d.example", "/etc/x@localhost", "a/b@d.example", "a+b/c@localhost", "a@example", `\andrei@localhost`, "é@d.example", "a@é.example")
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) addresses() (all []string) {
	for range 25 {
		if addr := g.address(); !slices.Contains(all, addr) {
			all = append(all, addr)
		}
	}
	return all
}

// rows makes a text of rows.
func (g *generator) rows(most int, key, value func() string) string {
	var b strings.Builder
	seen := map[string]bool{}
	for range g.IntN(most + 1) {
		if k := key(); !seen[strings.ToLower(k)] {
			seen[strings.ToLower(k)] = true
			b.WriteString(k + " " + value() + "\n")
		}
	}
	return b.String()
}

func (g *generator) aliasKey() string {
	switch g.IntN(8) {
	case 0:
		return g.local()
	case 1:
		return "@" + g.domain()
	case 2:
		return g.pick(`"sp ace"`, "a.", `"a."`, "half.way", "a+") + "@" + g.domain()
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) target() string {
	switch g.IntN(14) {
	case 0:
		return g.address()
	case 1:
		return "@" + g.domain()
	case 2:
		return g.local() + ", " + g.local() + "@" + g.domain()
	case 3:
		return g.pick("andrei, bea", "x@out.example", `\andrei`, "/file", `"|cmd"`, "Andrei <andrei@localhost>", "andrei bea", "a@d.example,b@d.example", `"sp ace"@d.example`, "andrei@", "a: b@d.example;", ":include:/x")
	case 4, 5, 6:
		return g.local()
	case 7, 8:
		return g.pick("andrei", "bea", "carol") + g.pick("", "@mx1.example.net", "@localhost")
	}
	return g.local() + "@" + g.domain()
}

func (g *generator) accessKey() string {
	return g.pick(g.local()+"@"+g.domain(), g.local()+"@"+g.domain(), g.domain(), "example", ".d.example", ".example", g.local()+"@", "a@", "@d.example")
}

// right returns a right side of access(5). DISCARD is none of them: it accepts all further
// recipients of the message too.
func (g *generator) right() string {
	return g.pick("550 5.1.1 gone; write to x", "551 5.1.6 moved", "450 4.2.1 being moved", "550 gone", "550 4.1.1 odd", "550 5.1.1", "550", "252 x", "299 y",
		"REJECT", "REJECT no", "REJECT 5.1.1 no", "DEFER later", "defer", "OK", "ok", "RELAY", "DUNNO", "dunno x", "12345", "HOLD", "REDIRECT andrei@localhost",
		"FILTER x:y", "PREPEND X: y", "WARN x", "INFO", "BCC bea@localhost", "defer_if_permit", "DEFER_IF_PERMIT 4.2.2 maybe", "DEFER_IF_REJECT no", "reject", "permit",
		"reject_unauth_destination", "own", "permit_auth_destination, reject", "nonsense", "check_recipient_access texthash:x", "warn_if_reject reject", "550 5.7.8 x",
		"550 5.1.8 x", "550 5.1.7 x", "550  two  blanks", "500 5.0.0 (odd <x> %s $x)", "reject_unlisted_recipient", "421 4.3.2 x")
}

func (g *generator) transportKey() string {
	return g.pick(g.local()+"@"+g.domain(), g.domain(), ".d.example", ".b.example", "*", "example", g.local()+"@"+g.domain())
}

func (g *generator) transport() string {
	return g.pick("error:5.2.1 away", "error:", "retry:4.2.1 wait", "retry:", "discard:", "relay:[10.0.0.1]", "smtp:x", "virtual:", "local:", ":", ":x", "local", "error:no")
}

// some returns a line now and then.
func (g *generator) some(often int, lines ...string) string {
	if g.IntN(often) > 0 {
		return ""
	}
	return lines[g.IntN(len(lines))] + "\n"
}

func (g *generator) site() testSite {
	s := testSite{texts: map[string]string{}}
	s.texts["virtual"] = g.rows(25, g.aliasKey, g.target)
	s.texts["virtual2"] = g.rows(6, g.aliasKey, g.target)
	s.texts["aliases"] = g.rows(10, func() string {
		return strings.ToLower(g.pick("", "", "owner-")) + g.pick(g.local(), g.local(), "staff.x")
	}, g.target) + g.some(2, "staff2 andrei, \"|/bin/x y\", /var/mail/x", "more2 :include:DIR/members, bea", "more2 :include:/nowhere, bea", "more2: \":include:DIR/members\"")
	s.texts["members"] = g.some(1, "# members\n", "") + g.rows(4, g.target, func() string { return g.pick(", bea", "", "", ", more2") })
	s.texts["access"] = g.rows(12, g.accessKey, g.right)
	s.texts["access2"] = g.rows(3, g.accessKey, g.right)
	s.texts["rules"] = g.some(1, "/^(a)\\+([^@]*)@d\\.example$/ $1-$2@e.example", "/^b@/ bea", "/@e\\.example$/ andrei", "/^(.*)-x@(.*)$/ $1@$2")
	s.texts["mailboxes"] = g.rows(6, g.aliasKey, func() string { return g.pick("a", "b/", "c/d", "../e/", "/f") })
	s.texts["known"] = g.rows(6, g.aliasKey, func() string { return "x" })
	s.texts["canonical"] = g.rows(3, g.aliasKey, func() string { return g.local() + "@" + g.domain() })
	s.texts["domains"] = "v.d.example x\ne.example y\n"
	s.texts["names"] = "# names\nv.d.example, e.example\n"
	s.texts["transport"] = g.rows(4, g.transportKey, g.transport)
	s.texts["relocated"] = g.rows(2, g.aliasKey, func() string { return "somewhere else" })
	s.main = g.settings()
	return s
}

func (g *generator) settings() string {
	check := "check_recipient_access texthash:DIR/access"
	return g.pick("recipient_delimiter = +\n", "recipient_delimiter = +\n", "recipient_delimiter = +-\n", "recipient_delimiter = -\n", "") +
		"virtual_alias_domains = " + g.pick("d.example, e.example", "d.example, e.example", "d.example texthash:DIR/domains", "d.example, DIR/names", "d.example, !v.d.example, e.example", "D.example inline:{e.example=x}", ".example, d.example, e.example") + g.pick("", "", ", b.example", ", mx1.example.net", ", m.example") + "\n" +
		"virtual_alias_maps = texthash:DIR/virtual" + g.pick("", "", ", texthash:DIR/virtual2", ", regexp:DIR/rules", " proxy:texthash:DIR/virtual2") + "\n" +
		"alias_maps = texthash:DIR/aliases" + g.pick("", "", "", ", regexp:DIR/rules") + "\n" +
		g.some(3, "propagate_unmatched_extensions = canonical", "propagate_unmatched_extensions = canonical, virtual, alias", "propagate_unmatched_extensions = virtual, alias, forward, include", "propagate_unmatched_extensions =") +
		"virtual_mailbox_base = /var\n" + g.some(2, "virtual_mailbox_domains = m.example\nvirtual_mailbox_maps = texthash:DIR/mailboxes\nvirtual_mailbox_base = /\nvirtual_uid_maps = static:1000\nvirtual_gid_maps = static:1000",
		"virtual_mailbox_domains = m.example, d.example\nvirtual_mailbox_maps = texthash:DIR/mailboxes\nvirtual_mailbox_base = /srv\nvirtual_uid_maps = static:50\nvirtual_gid_maps = static:1000",
		"virtual_mailbox_domains = m.example\nvirtual_mailbox_base = /\nvirtual_uid_maps = static:1000\nvirtual_gid_maps = static:1000") +
		g.some(2, "relay_domains = b.example", "relay_domains = b.example\nrelay_recipient_maps = texthash:DIR/known", "relay_domains = example", "relay_domains = texthash:DIR/domains, b.example", "relay_domains = .b.example, b.example\nparent_domain_matches_subdomains =", "relay_domains = !sub.b.example, b.example") +
		g.some(2, "transport_maps = texthash:DIR/transport", "transport_maps = texthash:DIR/transport\nparent_domain_matches_subdomains = transport_maps") +
		g.some(5, "relocated_maps = texthash:DIR/relocated") +
		g.some(5, "canonical_maps = texthash:DIR/canonical", "recipient_canonical_maps = texthash:DIR/canonical") +
		g.some(4, "mydestination = $myhostname, localhost, l.example", "mydestination = $myhostname, localhost, d.example", "mydestination = localhost", "mydestination = mx1.example.net, DIR/names") +
		g.some(8, "myorigin = d.example", "myorigin = out.example", "myorigin = e.example") +
		g.some(6, "append_dot_mydomain = yes") + g.some(6, "allow_percent_hack = no") + g.some(6, "swap_bangpath = no") +
		g.some(10, "soft_bounce = yes") + g.some(8, "smtpd_reject_unlisted_recipient = no") + g.some(8, "show_user_unknown_table_name = no") +
		g.some(8, "unknown_virtual_alias_reject_code = 554", "unknown_local_recipient_reject_code = 450", "allow_untrusted_routing = yes", "resolve_dequoted_address = no", "append_at_myorigin = no", "resolve_null_domain = yes", "strict_rfc821_envelopes = yes", "owner_request_special = no", "receive_override_options = no_unknown_recipient_checks", "virtual_alias_recursion_limit = 3", "virtual_alias_expansion_limit = 2", "virtual_alias_address_length_limit = 22", "canonical_classes = header_recipient", "local_transport = virtual", "local_transport = error:5.2.2 full", "local_transport = smtp:x", "local_transport = retry:4.2.2 full", "virtual_transport = lmtp:unix:x", "virtual_transport = error:no", "relay_transport = error:closed", "default_transport = error:closed", "allow_mail_to_files = include", "allow_mail_to_commands =", "empty_address_recipient = andrei", "defer_transports = relay, virtual", "access_map_reject_code = 521\nreject_code = 522\ndefer_code = 421", "non_fqdn_reject_code = 550\nrelay_domains_reject_code = 550", "reset_owner_alias = yes", "expand_owner_alias = yes", "allow_min_user = yes") +
		g.some(6, "local_recipient_maps =", "local_recipient_maps =\nluser_relay = bea", "local_recipient_maps =\nluser_relay = $user+lost@d.example", "local_recipient_maps =\nluser_relay = x+${local}@out.example", "local_recipient_maps =\nluser_relay = bea${extension?+}${extension}", "mailbox_transport = lmtp:unix:x", "local_recipient_maps =\nfallback_transport = smtp:x") +
		"smtpd_restriction_classes = own\nown = " + g.pick("reject_unlisted_recipient, reject", "permit", check, "defer", "reject_non_fqdn_recipient, permit_auth_destination") + "\n" +
		g.some(2, "smtpd_recipient_restrictions = "+check,
			"smtpd_recipient_restrictions = permit_mynetworks, "+check+", regexp:DIR/rules",
			"smtpd_recipient_restrictions = "+check+", check_recipient_access texthash:DIR/access2, reject_non_fqdn_recipient, reject_unlisted_recipient",
			"smtpd_recipient_restrictions = reject_non_fqdn_recipient, own, texthash:DIR/access2",
			"smtpd_recipient_restrictions = warn_if_reject "+check+", reject_unauth_destination, permit",
			"smtpd_recipient_restrictions = defer_if_permit, "+check+", sleep 0",
			"smtpd_sender_restrictions = "+check, "smtpd_client_restrictions = "+check, "smtpd_client_restrictions = "+check+"\nsmtpd_delay_reject = no",
			"smtpd_helo_restrictions = permit_mynetworks, "+check+", permit") +
		g.some(4, "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "smtpd_relay_restrictions = "+check+", reject_unauth_destination", "smtpd_relay_restrictions = permit_auth_destination, reject", "smtpd_relay_restrictions = defer_unauth_destination\nsmtpd_relay_before_recipient_restrictions = no") +
		g.some(4, "parent_domain_matches_subdomains =")
}
