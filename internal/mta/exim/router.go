package exim

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// A lookup finds the value of a key in a table.
type lookup func(key string) (value string, ok bool, err error)

// A router answers for addresses as Exim does with the snippets of this package.
type router struct {
	domains, addresses, mailboxes lookup
	local, relayed                map[string]bool
	account                       func(name string) bool
	name                          string  // of the server
	aliases                       aliases // of the server itself; nil: they are not known
}

// Replies that no row has.
var (
	relayingDenied = outcome.Outcome{NotOurs: true, Code: 550, Status: "5.7.1", Text: "Relaying denied"}
	userUnknown    = outcome.Outcome{Code: 550, Status: "5.1.1", Text: "User unknown"}
	noRow          = outcome.Outcome{Code: 451, Status: "4.3.0", Text: "No row for this address"}
	localProblem   = outcome.Outcome{Code: 451, Text: "Temporary local problem - please try later"}
)

// maxAncestors is the number of addresses that may be before an address (route.c,
// "routing loop").
const maxAncestors = 101

// Route returns the outcome of mail from a stranger to an address, and every key that was
// tried (snippets/acl).
func (r *router) Route(addr string) (outcome.Outcome, []outcome.Step) {
	w := walk{router: r, ends: map[string]bool{}}
	local, domain, ok := mailaddr.Split(addr)
	domain = mailaddr.Lower(domain)
	switch {
	case !ok || strings.HasSuffix(domain, ownDomains):
		return relayingDenied, nil
	case r.relayed[domain] && !r.local[domain]:
		if _, served, err := r.domains(domain); !served && err == nil {
			return outcome.Outcome{Taken: true, Recipients: []string{addr}}, nil
		}
	}
	o, ours := w.verify(mailaddr.Lower(local), domain, 0)
	if !ours {
		o = relayingDenied
	}
	return o, w.steps
}

// A walk is the way of one address.
type walk struct {
	*router
	steps []outcome.Step
	ends  map[string]bool // addresses whose recipients are known
	above map[string]bool // aliases that lead to the present name
}

// verify returns the outcome of an address at this server; ours is false for the address
// of another server.
func (w *walk) verify(local, domain string, before int) (o outcome.Outcome, ours bool) {
	name, served, err := w.domains(domain)
	switch {
	case err != nil || before > maxAncestors:
		return localProblem, true
	case !served && w.local[domain]:
		return w.atAccount(local), true
	case !served:
		return outcome.Outcome{}, false
	}
	value, b, err := w.find(local, name)
	switch {
	case err != nil:
		return localProblem, true
	case value == "":
		return noRow, true
	case value == localWord:
		return w.atAccount(local), true
	case strings.HasPrefix(value, failWord), strings.HasPrefix(value, deferWord):
		return b.reply(value), true
	}
	next, on := strings.CutPrefix(value, onWord)
	if !on {
		return taken(w.recipients(value, b, before+1)), true
	}
	to, err := b.expand(next)
	if err != nil {
		return localProblem, true
	}
	local, domain, _ = mailaddr.Split(addressList(to)[0])
	o, ours = w.verify(mailaddr.Lower(local), mailaddr.Lower(domain), before+1)
	if !ours { // the domain of another server: Exim verifies that it routes the address
		return taken([]string{local + "@" + domain}), true
	}
	return o, true
}

// atAccount returns the outcome of a local part that is left to the server's own accounts
// and aliases. Exim tries it with and without its detail.
func (w *walk) atAccount(local string) outcome.Outcome {
	name, _, _ := strings.Cut(local, "+")
	_, value, aliased := w.aliases.of(local)
	if !aliased && (w.account == nil || !w.account(local) && (name == "" || !w.account(name))) {
		w.alias(local) // a step
		return userUnknown
	}
	if refused, ok := refusalOf(value); ok {
		w.alias(local)
		return refused
	}
	return taken(w.localEnds(local, 0))
}

// reply returns the outcome of a row that refuses mail.
func (b binding) reply(value string) outcome.Outcome {
	text, err := b.expand(value)
	words := strings.SplitN(text, " ", 4)
	if err != nil || len(words) < 4 {
		return localProblem
	}
	code, err := strconv.Atoi(words[1])
	if err != nil {
		return localProblem
	}
	return outcome.Outcome{Code: code, Status: words[2], Text: words[3]}
}

// recipients returns where copies for the recipients of a value end.
func (w *walk) recipients(value string, b binding, before int) (all []string) {
	if _, behind, ok := strings.Cut(value, "> "); ok && value[0] == '<' {
		value = behind
	}
	text, err := b.expand(strings.TrimPrefix(value, onWord))
	if err != nil {
		return nil
	}
	for _, to := range addressList(text) {
		all = append(all, w.ending(to, before)...)
	}
	return all
}

// ending returns where mail to an address ends that a row made. Nothing is returned for
// an address that is refused.
func (w *walk) ending(addr string, before int) []string {
	local, domain, _ := mailaddr.Split(addr)
	local, lower := mailaddr.Lower(local), mailaddr.Lower(domain)
	name, served, err := w.domains(lower)
	switch {
	case err != nil || before > maxAncestors:
		return nil
	case lower == mailboxDomain:
		path, _, _ := w.try(w.mailboxes, fileMailboxes, local)
		if path == "" {
			return nil
		}
		return []string{path}
	case !served && (w.local[lower] || lower == accountsDomain):
		return w.localEnds(local, before)
	case !served:
		return []string{addr}
	case w.ends[local+"@"+name]:
		return nil
	}
	w.ends[local+"@"+name] = true
	value, b, err := w.find(local, name)
	switch {
	case err != nil, value == "", strings.HasPrefix(value, failWord), strings.HasPrefix(value, deferWord):
		return nil
	case value == localWord:
		return w.localEnds(local, before)
	}
	return w.recipients(value, b, before+1)
}

// find returns the value of the first key that an address matches; empty if there is none.
func (w *walk) find(local, domain string) (value string, b binding, err error) {
	user, detail, plus := local, "", ""
	if at := strings.IndexByte(local[min(1, len(local)):], '+') + 1; at > 0 {
		user, detail, plus = local[:at], local[at+1:], local[at:]
	}
	b = binding{"local_part": local, "r_user": user, "r_detail": detail, "r_plus": plus}
	keys := []string{local}
	if plus != "" {
		for _, key := range []string{user + "++", user + "+*", user, "++", "+*"} {
			if detail != "" || !strings.HasSuffix(key, "++") {
				keys = append(keys, key)
			}
		}
	}
	for _, key := range append(keys, "") {
		value, ok, err := w.try(w.addresses, fileAddresses, key+"@"+domain)
		if ok || err != nil {
			return value, b, err
		}
	}
	return "", b, nil
}

// try looks a key up, and records it.
func (w *walk) try(in lookup, table, key string) (value string, ok bool, err error) {
	value, ok, err = in(key)
	if err == nil {
		w.steps = append(w.steps, outcome.Step{Table: table, Key: key, Value: value, Hit: ok})
	}
	return value, ok, err
}

func taken(recipients []string) outcome.Outcome {
	slices.Sort(recipients)
	return outcome.Outcome{Taken: true, Recipients: slices.Compact(recipients)}
}
