package exim

import (
	"slices"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// A virtual answers for addresses as Exim does with a folder that has a file for each
// virtual domain, by the router that is usual on Debian:
//
//	virtual:
//	  driver = redirect
//	  domains = dsearch;/etc/exim4/virtual
//	  allow_fail
//	  allow_defer
//	  data = ${lookup{$local_part}lsearch*{/etc/exim4/virtual/$domain_data}}
//	  file_transport = address_file
//	  pipe_transport = address_pipe
//	  no_more
//
// RCPT refuses what cannot be verified. Names without a domain are at the server's own
// name, where the accounts and aliases are. A detail is a part of the name, because no
// router has local_part_suffix.
type virtual struct {
	value   func(key string) (data string, ok bool) // of user@domain, or @domain for *
	serves  func(domain string) bool                // reports whether a domain has a file
	local   map[string]bool                         // names of the server itself
	host    string
	account func(name string) bool
	include func(path string) (text string, ok bool)
}

// tableVirtual is the name of the files in steps.
const tableVirtual = "virtual"

// discarded is the recipient that stands for mail that is thrown away.
const discarded = ":blackhole:"

// unrouteable is the reply for a name without a row.
var unrouteable = outcome.Outcome{Code: 550, Text: "Unrouteable address"}

// Route returns the outcome of mail from a stranger to an address, as Exim gives it, and
// every key that was tried.
func (v *virtual) Route(addr string) (outcome.Outcome, []outcome.Step) {
	local, domain, ok := mailaddr.Split(addr)
	domain = mailaddr.Lower(domain)
	if !ok || !v.serves(domain) && !v.local[domain] {
		return relayingDenied, nil
	}
	w := virtualWay{virtual: v}
	if plain, odd := unquoted(local); !odd && plain != local {
		local, w.quoted = plain, true
	}
	return w.verify(mailaddr.Lower(local), domain, nil), w.steps
}

// A virtualWay is the way of one address.
type virtualWay struct {
	*virtual
	steps  []outcome.Step
	quoted bool // the address has quotes, so that to Exim no address after it is the same
}

// verify returns the outcome of an address. above are the addresses that led to it: the
// router passes over an address that it has already led on.
func (w *virtualWay) verify(local, domain string, above []string) outcome.Outcome {
	addr := local + "@" + domain
	switch {
	case !w.serves(domain) && !w.local[domain]:
		return taken([]string{addr})
	case !w.serves(domain), slices.Contains(above, addr):
		if !w.account(local) {
			return unrouteable
		}
		return taken([]string{local})
	}
	r := readRedirection(w.find(local, domain), w.include)
	if w.quoted && len(above) == 0 {
		addr = ""
	}
	above = append(slices.Clip(above), addr)
	switch {
	case r.fault != "", len(r.includes) > 0, len(above) > maxAncestors:
		return localProblem
	case r.refuses != nil:
		return *r.refuses
	case r.discards:
		return taken([]string{discarded})
	case len(r.members) == 0:
		return unrouteable
	case len(r.members) == 1 && r.members[0].path == "":
		local, domain = w.address(r.members[0], domain)
		return w.verify(local, domain, above)
	}
	return taken(w.members(&r, domain, above))
}

// members returns where mail to the members of a list ends; those that are refused are left
// out.
func (w *virtualWay) members(r *redirection, domain string, above []string) (all []string) {
	for _, m := range r.members {
		if m.path != "" {
			all = append(all, m.path)
			continue
		}
		local, domain := w.address(m, domain)
		all = append(all, w.ends(local, domain, above)...)
	}
	return all
}

// ends returns where mail to a member of a list ends. Members before a :fail: get it too.
func (w *virtualWay) ends(local, domain string, above []string) []string {
	addr := local + "@" + domain
	if !w.serves(domain) || slices.Contains(above, addr) {
		return w.verify(local, domain, above).Recipients
	}
	r := readRedirection(w.find(local, domain), w.include)
	if r.fault != "" || r.discards || len(r.includes) > 0 || len(above) > maxAncestors {
		return nil
	}
	return w.members(&r, domain, append(slices.Clip(above), addr))
}

// find returns the data of a name: that of its own row, or of *; empty: there is none.
func (w *virtualWay) find(local, domain string) string {
	for _, key := range []string{local + "@" + domain, "@" + domain} {
		data, ok := w.value(key)
		w.steps = append(w.steps, outcome.Step{Table: tableVirtual, Key: key, Value: data, Hit: ok})
		if ok {
			return data
		}
	}
	return ""
}

// address returns the address of a member in the data of a domain. Only another server
// decides about the case of its names.
func (v *virtual) address(m member, incoming string) (local, domain string) {
	domain = mailaddr.Lower(m.domain)
	switch {
	case m.domain == "" && m.incoming:
		domain = incoming
	case m.domain == "":
		domain = v.host
	}
	if v.serves(domain) || v.local[domain] {
		return mailaddr.Lower(m.local), domain
	}
	return m.local, domain
}
