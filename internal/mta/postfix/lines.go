package postfix

import (
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/mta/postfix/maincf"
	"virtmap/inventory"
)

// Names of the files.
const (
	fileAliases      = "virtmap-aliases"
	fileMailboxes    = "virtmap-mailboxes"
	fileUIDs         = "virtmap-uids"
	fileGIDs         = "virtmap-gids"
	fileTransport    = "virtmap-transport"
	fileAccess       = "virtmap-access"
	fileAccessDetail = "virtmap-access-detail"
	fileDetail       = "virtmap-detail"
	fileVirtual      = "virtmap-virtual"
	fileRelay        = "virtmap-relay"
	fileLocal        = "virtmap-local"
	fileDomains      = "virtmap-domains"
	fileSenders      = "virtmap-senders"
	fileCanonical    = "virtmap-sender-canonical"
	fileMain         = "virtmap.main.cf"
)

// Lines returns the lines for main.cf: exactly those that the inventory needs.
func (b Build) Lines() []maincf.Line {
	dir := b.Model.Host.MailDir.Text
	table := func(name string) string { return mapPrefix(b.Model.Host.Map) + dir + "/" + name }
	rules := func(name string) string { return "regexp:" + dir + "/" + name }
	var lines []maincf.Line
	add := func(needed bool, name string, values ...string) {
		if needed {
			lines = append(lines, maincf.Line{Name: name, Value: strings.Join(values, ", ")})
		}
	}
	n, mailboxes := b.needs, b.needs.mailboxes
	add(n.local, "mydestination", "$myhostname", "localhost.$mydomain", "localhost", table(fileLocal))
	add(true, "virtual_alias_domains", table(fileDomains))
	add(true, "virtual_alias_maps", withRules(n.detail, table(fileVirtual), rules(fileDetail))...)
	add(mailboxes, "virtual_mailbox_domains", mailboxDomain)
	add(mailboxes, "virtual_mailbox_base", "/")
	add(mailboxes, "virtual_mailbox_maps", table(fileMailboxes))
	add(mailboxes, "virtual_uid_maps", table(fileUIDs))
	add(mailboxes, "virtual_gid_maps", table(fileGIDs))
	add(relays(b.Model), "relay_domains", table(fileRelay))
	add(n.transport, "transport_maps", table(fileTransport))
	add(n.aliases, "alias_maps", "$alias_database", table(fileAliases))
	add(n.noParent, "parent_domain_matches_subdomains", parents...)
	add(true, "recipient_delimiter", "+")
	add(true, "propagate_unmatched_extensions", withRules(n.mode == keeps, "canonical", "virtual")...)
	add(true, "allow_percent_hack", "no")
	add(true, "swap_bangpath", "no")
	var checks []string
	if n.access {
		checks = append(checks, "check_recipient_access "+table(fileAccess))
	}
	if n.accessDetail {
		checks = append(checks, "check_recipient_access "+rules(fileAccessDetail))
	}
	add(len(checks) > 0, recipientChecks, checks...)
	add(n.senders, loginMaps, table(fileSenders))
	add(n.senders, senderChecks, senderCheck)
	add(n.canonical, canonicalMaps, table(fileCanonical))
	return lines
}

// withRules returns the first value, and the second one if it is needed.
func withRules(needed bool, first, second string) []string {
	if needed {
		return []string{first, second}
	}
	return []string{first}
}

// parents is the default of parent_domain_matches_subdomains without relay_domains and
// smtpd_access_maps: a row for a domain shall not hold for the names below it.
var parents = []string{"debug_peer_list", "fast_flush_domains", "mynetworks", "permit_mx_backup_networks", "qmqpd_authorized_clients"}

// mapPrefix returns the type of a map as main.cf names it, with the colon.
func mapPrefix(typ inventory.MapType) string {
	if typ == inventory.MapLMDB1 {
		typ = inventory.MapLMDB
	}
	return string(typ) + ":"
}

// mainText returns the text of virtmap.main.cf.
func (b Build) mainText() string {
	var out strings.Builder
	out.WriteString(mta.Header(b.Model, "Lines for main.cf"))
	out.WriteString("# virtmap build --config " + b.Model.Host.MailDir.Text + "/main.cf keeps these lines in main.cf.\n")
	for _, line := range b.Lines() {
		out.WriteString(line.Name + " = " + line.Value + "\n")
	}
	return out.String()
}

// mainLines returns the lines of a main.cf without comments.
func mainLines(text []byte) (lines []string) {
	for _, line := range logicalLines(text) {
		lines = append(lines, string(line))
	}
	return lines
}
