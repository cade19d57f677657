package route

import (
	"net/netip"
	"strconv"
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// settings are the values of parameters.
type settings struct {
	myorigin, myhostname, mydomain           string
	emptyAddress, doubleBounce, verifySender string
	delimiters                               string // recipient_delimiter
	localTransport, virtualTransport         string
	relayTransport, defaultTransport         string
	mailboxTransport, fallbackTransport      string
	luserRelay, mailboxBase                  string
	quickOrigin                              bool // a word gets @$myorigin, and nothing else
	appendAt, appendDot                      bool // append_at_myorigin, append_dot_mydomain
	swapBang, percent, dequote, nullDomain   bool // swap_bangpath, allow_percent_hack, resolve_dequoted_address, resolve_null_domain
	minusUser, untrustedRoutes               bool // allow_min_user, allow_untrusted_routing
	ownerSpecial, expandOwner, resetOwner    bool // owner_request_special, expand_owner_alias, reset_owner_alias
	softBounce, showTable, strictEnvelope    bool
	belowTransport, belowAccess              bool // parent_domain_matches_subdomains has transport_maps, smtpd_access_maps
	delayReject, relayFirst, rejectUnlisted  bool
	mapsAddresses, knowsAll                  bool // receive_override_options: without no_address_mappings, with no_unknown_recipient_checks
	canonicalRecipients                      bool // canonical_classes has envelope_recipient
	rewritesSenders                          bool // sender_canonical_classes has envelope_sender and header_sender
	recipientCanonicalRecipients             bool // so has recipient_canonical_classes
	propagate, commands, files               map[string]bool
	interfaces                               map[netip.Addr]bool
	recursionLimit, expansionLimit           int
	lengthLimit, lineLimit, minimumUID       int
	deferred                                 []string       // defer_transports
	codes                                    map[string]int // of refusals, by parameter
}

// read reads the parameters.
func (r *Router) read() {
	for name, text := range map[string]*string{
		"myorigin": &r.myorigin, "myhostname": &r.myhostname, "mydomain": &r.mydomain, "empty_address_recipient": &r.emptyAddress,
		"double_bounce_sender": &r.doubleBounce, "recipient_delimiter": &r.delimiters,
		"local_transport": &r.localTransport, "virtual_transport": &r.virtualTransport, "relay_transport": &r.relayTransport,
		"default_transport": &r.defaultTransport, "mailbox_transport": &r.mailboxTransport, "fallback_transport": &r.fallbackTransport,
		"luser_relay": &r.luserRelay, "virtual_mailbox_base": &r.mailboxBase, "address_verify_sender": &r.verifySender,
	} {
		*text = r.param(name)
	}
	for name, is := range map[string]*bool{
		"append_at_myorigin": &r.appendAt, "append_dot_mydomain": &r.appendDot, "swap_bangpath": &r.swapBang,
		"allow_percent_hack": &r.percent, "resolve_dequoted_address": &r.dequote, "resolve_null_domain": &r.nullDomain,
		"allow_min_user": &r.minusUser, "allow_untrusted_routing": &r.untrustedRoutes, "owner_request_special": &r.ownerSpecial,
		"expand_owner_alias": &r.expandOwner, "reset_owner_alias": &r.resetOwner, "soft_bounce": &r.softBounce,
		"show_user_unknown_table_name": &r.showTable, "strict_rfc821_envelopes": &r.strictEnvelope,
		"smtpd_delay_reject": &r.delayReject, "smtpd_relay_before_recipient_restrictions": &r.relayFirst,
		"smtpd_reject_unlisted_recipient": &r.rejectUnlisted,
	} {
		*is = r.yes(name)
	}
	r.belowTransport, r.belowAccess = r.parents("transport_maps"), r.parents("smtpd_access_maps")
	off := r.set("receive_override_options")
	r.mapsAddresses, r.knowsAll = !off["no_address_mappings"], off["no_unknown_recipient_checks"]
	r.propagate, r.commands, r.files = r.set("propagate_unmatched_extensions"), r.set("allow_mail_to_commands"), r.set("allow_mail_to_files")
	r.canonicalRecipients = r.set("canonical_classes")["envelope_recipient"]
	r.recipientCanonicalRecipients = r.set("recipient_canonical_classes")["envelope_recipient"]
	r.recursionLimit = r.number("virtual_alias_recursion_limit", 1000)
	r.expansionLimit = r.number("virtual_alias_expansion_limit", 1000)
	r.lengthLimit = r.number("virtual_alias_address_length_limit", 1000)
	r.lineLimit = r.number("line_length_limit", 2048)
	r.minimumUID = r.number("virtual_minimum_uid", 100)
	r.codes = map[string]int{}
	for name, usual := range map[string]int{
		"unknown_virtual_alias_reject_code": 550, "unknown_local_recipient_reject_code": 550, "unknown_virtual_mailbox_reject_code": 550,
		"unknown_relay_recipient_reject_code": 550, "reject_code": 554, "defer_code": 450, "relay_domains_reject_code": 554,
		"non_fqdn_reject_code": 504, "access_map_reject_code": 554, "access_map_defer_code": 450,
	} {
		r.codes[name] = r.number(name, usual)
	}
	r.deferred = table.Split(r.param("defer_transports"))
	r.interfaces = r.addresses()
	_, complete := simple("x@" + r.myorigin)
	r.quickOrigin = r.appendAt && complete
}

// addresses returns the addresses of this host, as far as the parameters name them:
// those of the loopback interface, and numeric ones.
func (r *Router) addresses() map[netip.Addr]bool {
	found := map[netip.Addr]bool{}
	protocols := r.set("inet_protocols")
	loop := func() {
		if !protocols["ipv6"] || protocols["ipv4"] || protocols["all"] {
			found[netip.MustParseAddr("127.0.0.1")] = true
		}
		if protocols["ipv6"] || protocols["all"] {
			found[netip.IPv6Loopback()] = true
		}
	}
	for _, word := range append(table.Split(r.param("inet_interfaces")), table.Split(r.param("proxy_interfaces"))...) {
		switch addr, err := netip.ParseAddr(trimBrackets(word)); {
		case err == nil:
			found[addr] = true
		case word == "all", word == "loopback-only", word == "localhost":
			loop()
		}
	}
	return found
}

func trimBrackets(word string) string {
	if n := len(word); n > 1 && word[0] == '[' && word[n-1] == ']' {
		return word[1 : n-1]
	}
	return word
}

func (r *Router) param(name string) string { return strings.TrimSpace(r.site.Param(name)) }

func (r *Router) yes(name string) bool { return strings.EqualFold(r.param(name), "yes") }

// number returns a number; usual is the default of Postfix.
func (r *Router) number(name string, usual int) int {
	if n, err := strconv.Atoi(r.param(name)); err == nil {
		return n
	}
	return usual
}

func (r *Router) set(name string) map[string]bool {
	set := map[string]bool{}
	for _, word := range table.Split(r.param(name)) {
		set[strings.ToLower(word)] = true
	}
	return set
}

// parents reports whether a name of a list stands for the names below it too.
func (r *Router) parents(list string) bool { return r.set("parent_domain_matches_subdomains")[list] }

// inTable returns the end of "User unknown".
func (r *Router) inTable(which string) string {
	if !r.showTable {
		return ""
	}
	return " in " + which + " table"
}
