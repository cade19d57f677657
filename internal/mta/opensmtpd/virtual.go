package opensmtpd

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/outcome"
)

// A virtual answers for addresses as OpenSMTPD does with a table of virtual addresses:
//
//	action "virtual" maildir virtual <virtuals>
//	match from any for domain <domains> action "virtual"
//
// A name alone at the right is looked up once more in the table, and is an account then.
// Mail for the server itself is for its accounts and aliases.
type virtual struct {
	table   map[string]string // by key: user@domain, user, @domain, @
	serves  func(domain string) bool
	local   map[string]bool // names of the server itself
	account func(name string) bool
	known   func(name string) bool // reports whether the server has an account or an alias
	include func(path string) (text string, ok bool)
}

// tableVirtual is the name of the table in steps.
const tableVirtual = "virtuals"

// Route returns the outcome of mail from a stranger to an address, as OpenSMTPD gives it.
// Each step has the key of the row that an inventory has: a key that is a name alone has
// the domain of the address.
func (v *virtual) Route(addr string) (outcome.Outcome, []outcome.Step) {
	w := virtualWay{virtual: v}
	return w.route(addr), w.steps
}

// A virtualWay is the way of one address.
type virtualWay struct {
	*virtual
	steps   []outcome.Step
	refused int // recipients that are refused
}

// route returns the outcome of an address.
func (w *virtualWay) route(addr string) outcome.Outcome {
	user, domain, ok := mailaddr.Split(addr)
	user, domain = mailaddr.Lower(user), mailaddr.Lower(domain)
	switch {
	case !ok || !w.serves(domain) && !w.local[domain]:
		return notOurs
	case w.serves(domain):
		return w.ask(user, domain, 0)
	}
	if o := w.atHost(user); !o.Taken {
		return o
	}
	return taken([]string{user})
}

// atHost returns the outcome of an address of the server itself to which a row leads.
func (v *virtual) atHost(user string) outcome.Outcome {
	name, _, _ := cutDetail(user)
	if !v.known(user) && !v.known(name) {
		return unknown
	}
	return taken([]string{name})
}

// ask returns the outcome of an address of a served domain. depth is the number of addresses
// and names before it.
func (w *virtualWay) ask(user, domain string, depth int) outcome.Outcome {
	right, ok := w.find(user, domain)
	if !ok {
		return expansion
	}
	return w.expand(right, "", depth+1)
}

// find returns the value of the first key that an address matches.
func (w *virtualWay) find(user, domain string) (right string, ok bool) {
	name, detail, _ := cutDetail(user)
	keys := []string{name + "@" + domain, name, "@" + domain, "@"}
	if detail != "" {
		keys = slices.Concat([]string{user + "@" + domain}, keys[:1], []string{user}, keys[1:])
	}
	for _, key := range keys {
		right, ok = w.table[key]
		w.steps = append(w.steps, outcome.Step{Table: tableVirtual, Key: rowKey(key, domain), Value: right, Hit: ok})
		if ok {
			return right, true
		}
	}
	return "", false
}

// rowKey returns the key of the row at a domain that a key of the table stands for.
func rowKey(key, domain string) string {
	switch at := strings.IndexByte(key, '@'); {
	case at < 0:
		return key + "@" + domain
	case key == "@":
		return "@" + domain
	}
	return key
}

// expand returns the outcome of a right side. of is the name alone whose row it is; empty:
// it is that of an address. One recipient that is refused refuses the mail for all. Of
// several, smtpd names one that no error: refuses.
func (w *virtualWay) expand(right, of string, depth int) outcome.Outcome {
	e := readRightSide(right, w.include)
	switch {
	case e.missing != "":
		return expansion
	case e.fault != "":
		return deferred
	}
	var ends []string
	var refused *outcome.Outcome
	byError := false // it is that of an error:
	for _, item := range e.nodes {
		o := w.node(&item, of, depth)
		if !o.Taken && (refused == nil || byError && item.reply == nil) {
			refused, byError = &o, item.reply != nil
		}
		if !o.Taken {
			w.refused++
		}
		ends = append(ends, o.Recipients...)
	}
	if refused != nil {
		return *refused
	}
	return taken(ends)
}

// node returns the outcome of an item.
func (w *virtualWay) node(item *node, of string, depth int) outcome.Outcome {
	switch {
	case depth >= maxDepth:
		return expansion
	case item.reply != nil:
		return *item.reply
	case item.path != "":
		return taken([]string{item.path})
	case item.address == "":
		return w.name(item, of, depth)
	}
	user, domain, _ := mailaddr.Split(item.address)
	domain = mailaddr.Lower(domain)
	switch {
	case w.serves(domain):
		return w.ask(mailaddr.Lower(user), domain, depth)
	case w.local[domain]:
		return w.atHost(mailaddr.Lower(user))
	}
	return taken([]string{user + "@" + domain})
}

// name returns the outcome of a name alone. In its own row it is the account.
func (w *virtualWay) name(item *node, of string, depth int) outcome.Outcome {
	if right, key, ok := w.own(item); ok && key != of {
		return w.expand(right, key, depth+1)
	}
	if !w.account(item.user) {
		return unknown
	}
	return taken([]string{item.user})
}

// own returns the row of a name alone.
func (v *virtual) own(item *node) (right, key string, ok bool) {
	for _, key := range []string{item.key, item.user} {
		if right, ok := v.table[key]; ok {
			return right, key, true
		}
	}
	return "", "", false
}
