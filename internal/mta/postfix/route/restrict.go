package route

import (
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// readChecks reads the lists of restrictions and opens the tables that they name.
func (r *Router) readChecks() {
	r.classes = map[string][]string{}
	classes := table.Split(r.param("smtpd_restriction_classes"))
	for _, name := range classes {
		r.classes[name] = nil
	}
	for _, name := range classes {
		r.classes[name] = r.checks(name)
	}
	r.clientChecks = r.checks("smtpd_client_restrictions")
	r.heloChecks = r.checks("smtpd_helo_restrictions")
	r.senderChecks = r.checks("smtpd_sender_restrictions")
	r.relayChecks = r.checks("smtpd_relay_restrictions")
	r.recipientChecks = r.checks("smtpd_recipient_restrictions")
	r.stages = r.lists()
	if !r.guards(r.recipientChecks, 0) && !r.guards(r.relayChecks, 0) {
		r.noGuard = true
		r.warn("neither smtpd_relay_restrictions nor smtpd_recipient_restrictions refuses mail for other domains, and smtpd ends at once")
	}
}

// checks reads a list of restrictions.
func (r *Router) checks(param string) []string {
	list := table.Split(r.param(param))
	ofRecipients := param == "smtpd_relay_restrictions" || param == "smtpd_recipient_restrictions"
	previous := ""
	for _, word := range list {
		name := strings.ToLower(word)
		switch {
		case isTable(word):
			// Without a check before it, the table is for what the list is about.
			if previous == "check_recipient_access" || beyond[previous] == nothing && ofRecipients {
				r.accessTable(word)
			} else if beyond[previous] == nothing && !r.isClass(param) {
				r.warn("%s: %s is taken as not matching", param, word)
			}
		case name == authenticated: // it never matches a stranger
		case beyond[name] != nothing:
			r.warn("%s: %s is taken as not matching", param, word)
		case name == "permit_mx_backup":
			r.warn("%s: %s is taken as not matching domains of other servers", param, word)
		}
		previous = name
	}
	return list
}

// isClass reports whether a parameter is a restriction class.
func (r *Router) isClass(param string) bool {
	_, is := r.classes[param]
	return is
}

func isTable(word string) bool { return strings.Contains(word, ":") || strings.HasPrefix(word, "{") }

// accessTable returns the table of a check. In braces it may have attributes behind
// its name.
func (r *Router) accessTable(word string) *maps {
	r.opening.Lock()
	m := r.access[word]
	r.opening.Unlock()
	if m != nil {
		return m
	}
	spec := word
	if strings.HasPrefix(word, "{") {
		if inner := table.Split(strings.TrimSuffix(word[1:], "}")); len(inner) > 0 {
			spec = inner[0]
		}
	}
	m = &maps{param: spec, set: true}
	if s := r.open("access table", spec); s != nil {
		m.list = append(m.list, s)
	}
	r.opening.Lock()
	defer r.opening.Unlock()
	r.access[word] = m
	return m
}

// guards reports whether a list has a restriction without which smtpd(8) does not run.
func (r *Router) guards(list []string, depth int) bool {
	for i := 0; i < len(list); i++ {
		switch name := strings.ToLower(list[i]); name {
		case "warn_if_reject":
			i++
		case "permit":
			return false
		case "reject_unauth_destination", "defer_unauth_destination", "check_relay_domains", "reject", "defer", "defer_if_permit":
			return true
		default:
			if sub, ok := r.classes[list[i]]; ok && depth < 10 && r.guards(sub, depth+1) {
				return true
			}
		}
	}
	return false
}

// beyond are restrictions about the client, the sender, a login or DNS. The number of
// their arguments follows from the kind.
var beyond = func() map[string]kind {
	m := map[string]kind{}
	for k, list := range map[kind]string{
		single: `reject_unauth_pipelining reject_plaintext_session reject_unknown_client_hostname
			reject_unknown_client reject_unknown_reverse_client_hostname permit_inet_interfaces reject_maps_rbl
			reject_invalid_helo_hostname reject_invalid_hostname reject_unknown_helo_hostname reject_unknown_hostname
			permit_naked_ip_address reject_non_fqdn_helo_hostname reject_non_fqdn_hostname
			reject_unknown_address reject_unknown_sender_domain reject_unverified_sender reject_non_fqdn_sender
			reject_authenticated_sender_login_mismatch reject_known_sender_login_mismatch reject_sender_login_mismatch
			reject_unauthenticated_sender_login_mismatch reject_unlisted_sender permit_tls_all_clientcerts
			permit_tls_clientcerts reject_unknown_recipient_domain reject_multi_recipient_bounce reject_unverified_recipient`,
		withTable: `check_client_access check_reverse_client_hostname_access check_ccert_access check_sasl_access
			check_client_ns_access check_client_mx_access check_client_a_access check_reverse_client_hostname_ns_access
			check_reverse_client_hostname_mx_access check_reverse_client_hostname_a_access check_helo_access
			check_helo_ns_access check_helo_mx_access check_helo_a_access check_sender_access check_sender_ns_access
			check_sender_mx_access check_sender_a_access check_recipient_ns_access check_recipient_mx_access
			check_recipient_a_access check_etrn_access`,
		withName: `reject_rbl_client reject_rbl permit_dnswl_client reject_rhsbl_client permit_rhswl_client
			reject_rhsbl_reverse_client reject_rhsbl_helo reject_rhsbl_sender reject_rhsbl_recipient check_policy_service`,
	} {
		for _, name := range strings.Fields(list) {
			m[name] = k
		}
	}
	return m
}()

type kind int

const (
	nothing kind = iota
	single
	withTable
	withName
)

// run applies a list of restrictions until one decides. absent says that there is no
// recipient yet.
func (s *session) run(list []string, f frame, absent bool) (v verdict) {
	depth := s.depth
	s.depth++
	for i := 0; i < len(list) && !s.discards; i++ {
		if strings.EqualFold(list[i], "warn_if_reject") {
			if s.warnOnly == 0 {
				s.warnOnly = s.depth
			}
			continue
		}
		var used int
		v, used = s.restriction(list[i:], f, absent)
		i += used
		if s.warnOnly >= s.depth {
			s.warnOnly = 0
		}
		if v.decided() || s.ifPermit != nil && s.ifReject != nil {
			break
		}
	}
	s.depth = depth
	if s.warnOnly >= s.depth {
		s.warnOnly = 0
	}
	return v
}

// restriction applies the first restriction of a list. used is the number of its
// arguments.
func (s *session) restriction(list []string, f frame, absent bool) (v verdict, used int) {
	name := strings.ToLower(list[0])
	if strings.Contains(name, ":") {
		if f != recipient {
			return verdict{}, 0 // a check of the client, the HELO name or the sender
		}
		return s.recipientAccess(list[0], absent), 0
	}
	switch k := beyond[name]; k {
	case withTable, withName:
		if len(list) == 1 || k == withTable && !strings.Contains(list[1], ":") {
			return s.refuse(*serverError), 0
		}
		return verdict{}, 1
	case single:
		return verdict{}, 0
	}
	if name == "check_recipient_access" {
		if len(list) == 1 || !strings.Contains(list[1], ":") {
			return s.refuse(*serverError), 0
		}
		return s.recipientAccess(list[1], absent), 1
	}
	if name == "sleep" {
		if len(list) == 1 || strings.Trim(list[1], "0123456789") != "" {
			return s.refuse(*serverError), 0
		}
		return verdict{}, 1
	}
	if class, ok := s.r.classes[list[0]]; ok && !plainCheck[name] {
		if s.depth > 100 {
			return s.refuse(*serverError), 0
		}
		return s.run(class, f, absent), 0
	}
	return s.plainCheck(name, f, absent), 0
}

// plainCheck are the restrictions of the method of this name.
var plainCheck = map[string]bool{
	"permit": true, "reject": true, "defer": true, "defer_if_permit": true, "defer_if_reject": true,
	"permit_mynetworks": true, "permit_sasl_authenticated": true, "permit_auth_destination": true,
	"reject_unauth_destination": true, "defer_unauth_destination": true, "check_relay_domains": true,
	"reject_non_fqdn_recipient": true, "reject_unlisted_recipient": true, "check_recipient_maps": true, "permit_mx_backup": true,
}

// plainCheck applies a restriction without arguments.
func (s *session) plainCheck(name string, f frame, absent bool) verdict {
	switch name {
	case "permit":
		return permit
	case "reject":
		return s.refuse(reply{s.r.codes["reject_code"], "5.7.1", f, "Access denied"})
	case "defer":
		return s.refuse(reply{s.r.codes["defer_code"], "4.3.2", f, "Try again later"})
	case "defer_if_permit":
		return s.later(reply{450, "4.7.0", f, "defer_if_permit requested"})
	case "defer_if_reject":
		if s.ifReject == nil { // warn_if_reject changes nothing
			s.ifReject = &reply{450, "4.7.0", f, "defer_if_reject requested"}
		}
		return verdict{}
	case "permit_mynetworks", "permit_sasl_authenticated":
		return verdict{}
	}
	if absent {
		return verdict{}
	}
	switch name {
	case "permit_auth_destination", "permit_mx_backup":
		return s.authorized()
	case "reject_unauth_destination", "check_relay_domains":
		v := s.guarded(s.r.codes["relay_domains_reject_code"], "5.7.1")
		if name == "check_relay_domains" && !v.decided() {
			v = permit
		}
		return v
	case "defer_unauth_destination":
		return s.guarded(s.r.codes["relay_domains_reject_code"]-100, "4.7.1")
	case "reject_non_fqdn_recipient":
		return s.qualified()
	case "reject_unlisted_recipient", "check_recipient_maps":
		return s.unlisted()
	}
	s.r.warn("%s is no restriction", name)
	return s.refuse(*serverError)
}

// later applies defer_if_permit.
func (s *session) later(p reply) verdict {
	if s.warnOnly > 0 {
		return s.refuse(p)
	}
	if s.ifPermit == nil {
		s.ifPermit = &p
	}
	return verdict{}
}

// authorized permits a recipient at a domain that this server serves or relays.
func (s *session) authorized() verdict {
	switch {
	case s.to.failed:
		return s.refuse(*lookupError)
	case s.to.routed && !s.r.untrustedRoutes, s.to.class == other:
		return verdict{}
	}
	return permit
}

// guarded refuses a recipient that is not authorized.
func (s *session) guarded(code int, status string) verdict {
	if v := s.authorized(); v.decided() {
		if v.permitted {
			return verdict{}
		}
		return v
	}
	return s.refuse(reply{code, status, named, relayDenied})
}

// qualified applies reject_non_fqdn_recipient.
func (s *session) qualified() verdict {
	domain := ""
	if at := strings.LastIndexByte(s.address, '@'); at >= 0 {
		domain = s.address[at+1:]
	}
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		return verdict{}
	}
	if cut := strings.TrimSuffix(domain, "."); !strings.HasSuffix(cut, ".") {
		domain = cut
	}
	if validName(domain) && strings.Contains(domain, ".") {
		return verdict{}
	}
	return s.refuse(reply{s.r.codes["non_fqdn_reject_code"], "4.5.2", recipient, "need fully-qualified address"})
}
