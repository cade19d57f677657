package opensmtpd

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// A router answers for addresses as OpenSMTPD does with virtmap.conf (smtpd.conf(5),
// table(5), aliases(5)).
type router struct {
	of            contents
	domains       map[string]role
	listed        map[string]bool
	detail, empty []*regexp.Regexp
}

// A role is what a match line does with a domain.
type role uint8

const (
	elsewhere role = iota
	served
	local
	relayed
)

func newRouter(c contents) router {
	r := router{of: c, domains: map[string]role{}, listed: map[string]bool{}, detail: expressions(c.detail), empty: expressions(c.empty)}
	for i, names := range [][]string{c.relayed, c.local, c.served} { // the first match line counts
		for _, name := range names {
			r.domains[name] = relayed - role(i)
		}
	}
	for _, addr := range c.listed {
		r.listed[addr] = true
	}
	return r
}

// expressions compiles the lines of a list of regular expressions. One that is wrong
// matches nothing.
func expressions(lines []string) (all []*regexp.Regexp) {
	for _, line := range lines {
		if e, err := regexp.CompilePOSIX(line); err == nil {
			all = append(all, e)
		}
	}
	return all
}

// invalid is the text with which OpenSMTPD itself refuses an address.
const invalid = "Invalid recipient"

// Replies that no row has. The first two have no status in the reply; a status here is
// that of the reason (RFC 3463).
var (
	notOurs   = outcome.Outcome{NotOurs: true, Code: 550, Status: "5.7.1", Text: invalid}
	unknown   = outcome.Outcome{Code: 550, Status: "5.1.1", Text: invalid}
	expansion = outcome.Outcome{Code: 524, Status: "5.2.4", Text: "Mailing list expansion problem"}
	deferred  = outcome.Outcome{Code: 424, Status: "4.2.4", Text: "Mailing list expansion problem"}
)

// maxDepth is the number of times that a recipient may be expanded (lka_session.c).
const maxDepth = 10

// Route returns the outcome of mail from a stranger to an address, and every key that was
// tried.
func (r *router) Route(addr string) (outcome.Outcome, []outcome.Step) {
	w := walk{router: r}
	user, domain, ok := mailaddr.Split(addr)
	if !ok {
		return notOurs, nil
	}
	domain = mailaddr.Lower(domain)
	switch r.domains[domain] {
	case elsewhere:
		return notOurs, nil
	case relayed:
		return outcome.Outcome{Taken: true, Recipients: []string{addr}}, nil
	}
	user = mailaddr.Lower(user)
	k, row := r.table(user, domain)
	if !row {
		if !r.isAccount(user) {
			return unknown, nil
		}
		return taken([]string{user}), nil
	}
	return w.ask(k, user, domain, 0), w.steps
}

// table returns the table that the match lines of virtmap.conf ask for an address of a
// domain that is served or local. row is false if accounts decide.
func (r *router) table(user, domain string) (k kind, row bool) {
	name, detail, plus := cutDetail(user)
	if r.domains[domain] == served {
		switch {
		case !plus || !r.of.details:
			return plain, true
		case detail == "":
			return emptyDetail, true
		}
		return withDetail, true
	}
	matches := func(e *regexp.Regexp) bool { return e.MatchString(user + "@" + domain) }
	switch {
	case r.of.details && slices.ContainsFunc(r.empty, matches):
		return emptyDetail, true
	case r.of.details && slices.ContainsFunc(r.detail, matches):
		return withDetail, true
	}
	return plain, r.listed[user+"@"+domain] || r.listed[name+"@"+domain]
}

// isAccount reports whether the server has an account or an alias for a local part, with
// or without its detail.
func (r *router) isAccount(user string) bool {
	name, _, _ := strings.Cut(user, "+")
	return r.of.account != nil && (r.of.account(user) || name != "" && r.of.account(name))
}

// A walk is the way of one address.
type walk struct {
	*router
	steps []outcome.Step
}

// ask returns the outcome of an address by a table.
func (w *walk) ask(k kind, user, domain string, depth int) outcome.Outcome {
	value, ok := w.find(k, user, domain)
	all, sound := values(value)
	switch {
	case !ok || depth > maxDepth:
		return expansion
	case !sound:
		return deferred
	}
	var ends []string
	for _, to := range all {
		if reply, refuses := strings.CutPrefix(to, errorWord); refuses {
			return replied(reply)
		}
		o := w.end(to, depth+1)
		if !o.Taken {
			return o // one recipient that is refused refuses the mail for all
		}
		ends = append(ends, o.Recipients...)
	}
	return taken(ends)
}

// find returns the value of the first key that an address matches (aliases.c).
func (w *walk) find(k kind, user, domain string) (value string, ok bool) {
	name, detail, _ := cutDetail(user)
	keys := []string{name + "@" + domain, name, "@" + domain, "@"}
	if detail != "" {
		keys = slices.Concat([]string{user + "@" + domain}, keys[:1], []string{user}, keys[1:])
	}
	for _, key := range keys {
		value, ok = w.of.tables[k].find(key)
		w.steps = append(w.steps, outcome.Step{Table: tableNames[k], Key: key, Value: value, Hit: ok})
		if ok {
			return value, true
		}
	}
	return "", false
}

var tableNames = [3]string{fileAddresses, fileDetail, fileEmpty}

// replied returns the outcome of a right side that refuses: a code, a status and a text.
func replied(reply string) outcome.Outcome {
	words := strings.SplitN(reply, " ", 3)
	code, err := strconv.Atoi(words[0])
	if err != nil || code < 400 || code > 599 || len(words) < 3 {
		return deferred
	}
	return outcome.Outcome{Code: code, Status: words[1], Text: words[2]}
}

// end returns where mail to a recipient of a row ends.
func (w *walk) end(to string, depth int) outcome.Outcome {
	user, domain, ok := mailaddr.Split(to)
	user, lower := mailaddr.Lower(user), mailaddr.Lower(domain)
	switch {
	case !ok:
		return taken([]string{mailaddr.Lower(to)})
	case lower == maildirDomain || lower == mboxDomain:
		value, ok := w.of.mailboxes.find(user)
		w.steps = append(w.steps, outcome.Step{Table: fileMailboxes, Key: user, Value: value, Hit: ok})
		owner := strings.SplitN(value, ":", 3)
		if len(owner) < 3 {
			return unknown
		}
		return taken(owner[2:])
	case lower == accountsDomain:
		return taken([]string{user})
	case w.domains[lower] == elsewhere || w.domains[lower] == relayed:
		return taken([]string{to})
	}
	if k, row := w.table(user, lower); row {
		return w.ask(k, user, lower, depth)
	}
	return taken([]string{user})
}

func taken(recipients []string) outcome.Outcome {
	slices.Sort(recipients)
	return outcome.Outcome{Taken: true, Recipients: slices.Compact(recipients)}
}
