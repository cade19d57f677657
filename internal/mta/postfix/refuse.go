package postfix

import (
	"virtmap/internal/diag"
	"virtmap/inventory"
)

// smtpd refuses an address in two tables, which it asks one after the other: an indexed
// table, virtmap-access, which has exact keys and whole domains, and a regexp table,
// virtmap-access-detail, for what depends on the detail. A key of the indexed table
// also holds for its user with any detail. The result dunno ends one table only: the
// next one is asked. No table ever says ok, because ok would also permit relaying.
//
// The rules of the regexp table only refuse. What they must not refuse is a condition
// around them. While files are swapped, the table has the rules of the old set and of
// the new set one after the other, and refuses what one of them refuses.

// dunno is the result that ends a table without a refusal (access(5)).
const dunno = "DUNNO"

// unlisted returns the reply to the unlisted addresses of a domain; nil if nothing must
// be said of them, because the virtual table does not have them and smtpd says so.
func (v *domain) unlisted() *reply {
	if v.refused != nil && (v.local || *v.refused != unknown || v.generic()) {
		return v.refused
	}
	return nil
}

// open reports whether a domain has a key for any user.
func (v *domain) open() bool {
	return v.find("++", inventory.SomeUser) != nil || v.find("+*", inventory.AnyUser) != nil
}

// closed returns the reply of the row that refuses a whole domain; nil if the domain
// has no such row.
func (v *domain) closed() *reply {
	if v.open() {
		return nil
	}
	return v.unlisted()
}

// refusals adds the rows of a domain to virtmap-access, under one of its names.
func (v *domain) refusals(name string) {
	closed := v.closed()
	for i := range v.entries {
		e := &v.entries[i]
		v.checkReplyOf(e, name)
		switch user := e.User(); {
		case e.exact() && e.refused != nil && !v.parted(e):
			v.access.Add(e.Local, name, e.refused.access(), e.Pos)
		case closed == nil:
		case e.Form == inventory.ExactDetail && v.find(user, inventory.Plain) == nil:
			v.access.Add(e.Local, name, dunno, e.Pos)
		case e.Form == inventory.Plain,
			e.Form == inventory.AnyDetail && v.find(user, inventory.Plain) == nil,
			e.Form == inventory.SomeDetail && v.find(user, inventory.Plain) == nil && v.find(user+"+*", inventory.AnyDetail) == nil:
			v.access.Add(user, name, dunno, e.Pos)
		}
	}
	if refused := v.unlisted(); refused != nil {
		v.checkReply("an address of "+name+longest, maxLocal+len("@"+name), *refused, v.pos, "")
	}
	if closed != nil {
		v.access.AddKey(name, closed.access(), v.pos)
	}
}

// parted reports whether a refused user has details that are not refused with the same
// reply. A row would also hold for the details, and the user is refused by a rule
// instead.
func (v *domain) parted(e *entry) bool {
	switch {
	case e.Form != inventory.Plain:
		return false
	case e.bare || v.behaviourOf(e) == rejects:
		return true
	}
	if !v.detailed {
		return false
	}
	for i := range v.entries {
		if k := &v.entries[i]; k.Form != inventory.Plain && (k.refused == nil || *k.refused != *e.refused) && k.User() == e.Local {
			return true
		}
	}
	return false
}

// refusalRules adds the rules of a domain to virtmap-access-detail.
func (v *domain) refusalRules() {
	if !v.needsRefusalRules() {
		return
	}
	v.accessRules.block("/@"+quoteDomains(v.names)+"$/", func(r *ruleText) {
		v.eachUser(func(user string, keys []*entry) { v.refuseUser(r, user, keys) })
		v.refuseOpen(r)
		v.refuseUnlisted(r)
	})
}

// needsRefusalRules reports whether a domain may have such rules.
func (v *domain) needsRefusalRules() bool {
	for i := range v.entries {
		e := &v.entries[i]
		if e.Form != inventory.Plain || v.behaviourOf(e) == rejects {
			return true
		}
	}
	return v.refused == nil && v.detail == inventory.DetailReject
}

// eachUser calls add with each user of a domain and its keys: those with an exact
// detail, user++, user+*, and user itself.
func (v *domain) eachUser(add func(user string, keys []*entry)) {
	var users []string
	keys := map[string][]*entry{}
	for i := range v.entries {
		e := &v.entries[i]
		user := e.User()
		if user == "" {
			continue
		}
		if keys[user] == nil {
			users = append(users, user)
		}
		keys[user] = append(keys[user], e)
	}
	for _, user := range users {
		add(user, inOrder(keys[user]))
	}
}

// inOrder returns the keys of a user in the order in which they are tried.
func inOrder(keys []*entry) (all []*entry) {
	for _, form := range []inventory.Form{inventory.ExactDetail, inventory.SomeDetail, inventory.AnyDetail, inventory.Plain} {
		for _, k := range keys {
			if k.Form == form {
				all = append(all, k)
			}
		}
	}
	return all
}

// refuseUser adds the rules for the details of one user, if one of its keys refuses
// mail that a row cannot refuse.
func (v *domain) refuseUser(r *ruleText, user string, keys []*entry) {
	var rules ruleText
	refuses, whole := false, false
	name := "^" + quote(user)
	for _, k := range keys {
		refused := v.detailRefusal(k)
		refuses = refuses || refused != nil && k.Form != inventory.ExactDetail && (k.Form != inventory.Plain || k.refused == nil || v.parted(k))
		pattern := name + `\+` + anyDetail + "@"
		switch k.Form {
		case inventory.ExactDetail:
			pattern = "^" + quote(k.Local) + "@"
		case inventory.SomeDetail:
			pattern = name + `\+` + someDetail + "@"
		case inventory.Plain:
			if k.refused != nil && v.parted(k) {
				rules.rule(name+"@", k.refused.access())
			}
			if whole || k.bare {
				continue
			}
		}
		whole = whole || k.Form == inventory.AnyDetail || k.Form == inventory.Plain
		rules.decide(pattern, refused)
	}
	if refuses || !whole && v.refusesOpen() {
		r.add(&rules)
	}
	if closed := v.closed(); closed != nil && keys[len(keys)-1].Form != inventory.Plain {
		v.refuseBare(r, name, keys, *closed)
	}
}

// detailRefusal returns the reply to the addresses with a detail that a key of a user
// stands for; nil: they are not refused.
func (v *domain) detailRefusal(k *entry) *reply {
	if k.Form == inventory.Plain && v.behaviourOf(k) == rejects {
		return &unknown
	}
	return k.refused
}

// decide appends the rule for a pattern, or leaves its addresses out of later rules.
func (r *ruleText) decide(pattern string, refused *reply) {
	if refused == nil {
		r.unlessMatches(pattern)
		return
	}
	r.rule(pattern, refused.access())
}

// refuseBare adds the rule that refuses a user of whom only details are listed, in a
// domain that is closed by a row.
func (v *domain) refuseBare(r *ruleText, name string, keys []*entry, closed reply) {
	switch keys[len(keys)-1].Form {
	case inventory.AnyDetail:
		r.rule(name+"@", closed.access())
	case inventory.SomeDetail:
		r.rule(name+`\+?@`, closed.access())
	}
}

// refusesOpen reports whether details of users who are not listed are refused by a
// rule.
func (v *domain) refusesOpen() bool {
	for _, k := range []*entry{v.find("++", inventory.SomeUser), v.find("+*", inventory.AnyUser)} {
		if k != nil && k.refused != nil {
			return true
		}
	}
	return v.rejectsUnlisted()
}

// rejectsUnlisted reports whether the catch-all takes mail, but not with a detail.
func (v *domain) rejectsUnlisted() bool {
	return v.refused == nil && v.detail == inventory.DetailReject && v.find("+*", inventory.AnyUser) == nil
}

// refuseOpen adds the rules for the details of users who are not listed.
func (v *domain) refuseOpen(r *ruleText) {
	if !v.refusesOpen() {
		return
	}
	r.unless(v.namesWithDetail(), `\+`, func(r *ruleText) {
		for _, k := range []*entry{v.find("++", inventory.SomeUser), v.find("+*", inventory.AnyUser)} {
			if k == nil {
				continue
			}
			detail := anyDetail
			if k.Form == inventory.SomeUser {
				detail = someDetail
			}
			r.decide("^"+anyUser+`\+`+detail+"@", k.refused)
		}
		if v.rejectsUnlisted() {
			r.rule("^"+anyUser+`\+`+anyDetail+"@", unknown.access())
		}
	})
}

// refuseUnlisted adds the rules for unlisted addresses without a detail, in a domain
// that a row cannot close because it has keys for any user.
func (v *domain) refuseUnlisted(r *ruleText) {
	refused := v.unlisted()
	if refused == nil || !v.open() {
		return
	}
	if v.find("+*", inventory.AnyUser) == nil {
		r.unless(v.namesWithDetail(), `\+`, func(r *ruleText) { r.rule("^"+anyUser+`\+@`, refused.access()) })
	}
	var plain []string
	for i := range v.entries {
		if e := &v.entries[i]; e.Form == inventory.Plain {
			plain = append(plain, e.Local)
		}
	}
	r.unless(plain, "@", func(r *ruleText) { r.rule("^"+anyUser+"@", refused.access()) })
}

// maxLocal is the longest local part in bytes (RFC 5321 4.5.3.1.1). A reply to several
// addresses is measured with one of this length.
const maxLocal = 64

// longest says in messages that an address has such a local part.
const longest = " with 64 bytes before the at sign"

// checkReplyOf reports the reply of an entry if it is too long. A row has it or, for a key
// of several addresses, a rule.
func (v *domain) checkReplyOf(e *entry, name string) {
	if e.refused == nil {
		return
	}
	what := e.Local + "@" + name
	length := len(what)
	if !e.exact() {
		what, length = "an address of "+what+longest, maxLocal+len("@"+name)
	}
	v.checkReply(what, length, *e.refused, e.To.Pos, e.Local)
}

// checkReply reports a reply that is longer than a line of SMTP (RFC 5321 section
// 4.5.3.1.5). Postfix puts the address, of length bytes, and words of its own before the
// text. what names the address, and key is what stands at pos.
func (c *compiler) checkReply(what string, length int, r reply, pos diag.Pos, key string) {
	const line, around = 512, len("<>: Recipient address rejected: ") + len("\r\n")
	if size := len(r.access()) + length + around; size > line {
		c.faults.Add(checkReplyLong.At(pos, max(1, len(key)), "the reply for %s has %d bytes with Postfix's own words; %d are allowed (RFC 5321 4.5.3.1.5)", what, size, line).
			WithHelp("make the text of the reply shorter"))
	}
}
