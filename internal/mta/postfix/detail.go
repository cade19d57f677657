package postfix

import (
	"slices"
	"strings"

	"virtmap/inventory"
)

// The detail of an address, which Postfix calls its extension, is decided in three
// ways.
//
//   - An indexed table has user@domain. Postfix finds it for user+detail too, and puts
//     the detail on the result if propagate_unmatched_extensions has virtual. This is
//     one setting for the whole server: see mode.
//   - A regexp table is asked with the whole address only, and before the shorter keys
//     of any table. It has a rule for each address with another behaviour.
//   - The row @domain is found last, and no detail is put on its result.

// A behaviour says what happens to user+detail if only user is listed.
type behaviour uint8

const (
	drops   behaviour = iota // the target does not get the detail
	keeps                    // the target gets the detail
	rejects                  // refused
	neutral                  // the same with and without the setting
	made                     // the target is a pattern, which has the detail in another way
)

// behaviourOf returns the behaviour of a plain entry.
func (v *domain) behaviourOf(e *entry) behaviour {
	switch {
	case e.refused != nil && (e.Disabled || e.To.Kind == inventory.Refused || e.Detail != inventory.DetailReject):
		return neutral
	case e.Detail == inventory.DetailReject:
		return rejects
	case e.To.Kind == inventory.ToPattern:
		p := v.m.Pattern(&e.To)
		if p.Has(inventory.PartDetail) || p.Has(inventory.PartPlusDetail) {
			return made
		}
		return drops
	case v.indifferent(&e.To):
		return neutral
	case e.Detail == inventory.DetailKeep:
		if _, ok := v.kept(&e.To, v.origin(e)); ok {
			return keeps
		}
	}
	return drops
}

// indifferent reports whether a detail has no effect at a target: a mailbox elsewhere,
// or the alias of a list.
func (v *domain) indifferent(t *inventory.Target) bool {
	switch t.Kind {
	case inventory.ToUser:
		u := &v.m.Users[t.Index]
		return u.Mailbox.Text != "" && u.Forward.Kind == inventory.NoTarget
	case inventory.ToList:
		return v.aliases[t.Index] != nil
	}
	return false
}

// detailRules adds the rules of a domain to virtmap-detail.
func (v *domain) detailRules() {
	if !v.needsRules() {
		return
	}
	v.rules.block("/@"+quoteDomains(v.names)+"$/", func(r *ruleText) {
		for _, form := range []inventory.Form{inventory.SomeDetail, inventory.AnyDetail, inventory.Plain} { // the first rule that matches counts
			for i := range v.entries {
				if e := &v.entries[i]; e.Form == form {
					v.userRules(r, e)
				}
			}
		}
		v.dropRules(r)
		v.openRules(r)
	})
}

// needsRules reports whether a domain may have rules. It answers false for nearly all
// domains, so that no text is made for them.
func (v *domain) needsRules() bool {
	for i := range v.entries {
		e := &v.entries[i]
		if b := v.behaviourOf(e); !e.exact() || e.Form == inventory.Plain && b != v.mode && b != neutral {
			return true
		}
	}
	return v.catchAllRules()
}

// catchAllRules reports whether the catch-all takes mail and needs rules.
func (v *domain) catchAllRules() bool {
	if v.refused != nil {
		return false
	}
	if v.catchAll.Kind == inventory.ToPattern && !sameLocal(v.m.Pattern(&v.catchAll)) {
		return true
	}
	_, kept := v.keptCatchAll()
	return kept || v.detail == inventory.DetailReject
}

// keptCatchAll returns the recipient that gets the detail of an unlisted address.
func (v *domain) keptCatchAll() (recipient string, ok bool) {
	if v.leaves || v.detail != inventory.DetailKeep {
		return "", false
	}
	return v.kept(&v.catchAll, v.catchAllOrigin())
}

// userRules adds the rules for the details of one entry.
func (v *domain) userRules(r *ruleText, e *entry) {
	switch user := quote(e.User()); {
	case e.Form == inventory.SomeDetail:
		v.keyRule(r, "^"+user+`\+(`+someDetail+")@", e)
	case e.Form == inventory.AnyDetail:
		v.keyRule(r, "^"+user+`\+(`+anyDetail+")@", e)
	case e.Form == inventory.Plain:
		v.plainRule(r, "^"+user+`\+(`+anyDetail+")@", e)
	}
}

// keyRule adds the rule of a key for several details. Group 1 of the pattern is the
// detail.
func (v *domain) keyRule(r *ruleText, pattern string, e *entry) {
	from := v.origin(e)
	switch {
	case e.refused != nil:
		r.rule(pattern, v.refusedResult(e.Local, literal(e.User())+"+"+group(1), *e.refused))
	case e.To.Kind == inventory.ToPattern:
		r.rule(pattern, ofPattern(v.m.Pattern(&e.To), literal(e.User()), group(1), "+"+group(1)))
	default:
		r.rule(pattern, v.withPlus(&e.To, e.Detail, "+"+group(1), from))
	}
}

// refusedResult returns the result of a rule for refused addresses. key is the key in
// the inventory, local the local part of the address as a result.
func (v *domain) refusedResult(key, local string, refused reply) string {
	if v.local || refused.temporary() {
		return literal(v.private(key, v.name, refused))
	}
	return local + "@" + v.name
}

// withPlus returns the result of a rule for a target. If the detail is kept, the target
// gets plus, which is a result too.
func (v *domain) withPlus(t *inventory.Target, detail inventory.Detail, plus string, from origin) string {
	if detail == inventory.DetailKeep {
		if to, ok := v.kept(t, from); ok {
			at := strings.LastIndexByte(to, '@')
			return literal(to[:at]) + plus + to[at:]
		}
	}
	return literal(v.value(t, from))
}

// plainRule adds the rule for the details of a listed user, if Postfix would do
// something else without the rule. Group 1 of the pattern is the detail.
func (v *domain) plainRule(r *ruleText, pattern string, e *entry) {
	if e.bare || v.find(e.Local+"+*", inventory.AnyDetail) != nil {
		return // another key has every detail
	}
	plus := "+" + group(1)
	b := v.behaviourOf(e)
	switch {
	case b == rejects:
		r.rule(pattern, v.refusedResult(e.Local+"+*", literal(e.Local)+plus, unknown))
	case b == made:
		r.rule(pattern, ofPattern(v.m.Pattern(&e.To), literal(e.Local), group(1), plus))
	case b == keeps && (v.mode == drops || v.generic()):
		r.rule(pattern, v.withPlus(&e.To, inventory.DetailKeep, plus, v.origin(e)))
	}
}

// maxDropNames is the number of users of a domain whose details are dropped by rules
// with their names. If there are more, one rule drops the details of all.
var maxDropNames = 200

// dropNames returns the users of a domain whose details must be dropped by a rule,
// because Postfix keeps details.
func (v *domain) dropNames() (names []string) {
	if v.mode != keeps {
		return nil
	}
	for i := range v.entries {
		e := &v.entries[i]
		if e.Form == inventory.Plain && !e.bare && v.behaviourOf(e) == drops && v.find(e.Local+"+*", inventory.AnyDetail) == nil {
			names = append(names, e.Local)
		}
	}
	return names
}

// generic reports whether one rule drops the details of all users of a domain. Such a
// rule also takes the details of users who are not listed: these must be refused in
// another way, or go to the catch-all.
func (v *domain) generic() bool {
	return !v.local && !v.catchAllRules() && v.find("++", inventory.SomeUser) == nil && v.find("+*", inventory.AnyUser) == nil &&
		len(v.dropNames()) > maxDropNames
}

// dropRules adds the rules that drop details although Postfix keeps details.
func (v *domain) dropRules(r *ruleText) {
	if v.generic() {
		r.rule("^("+anyUser+`)\+`+anyDetail+"@", group(1)+"@"+v.name)
		return
	}
	for names := range slices.Chunk(v.dropNames(), namesPerRule) {
		r.rule("^("+oneOf(names)+`)\+`+anyDetail+"@", group(1)+"@"+v.name)
	}
}

// openRules adds the rules for the details of users who are not listed, and for a
// catch-all that no row can say. Group 1 of the patterns is the user, group 2 the
// detail.
func (v *domain) openRules(r *ruleText) {
	some, every := v.find("++", inventory.SomeUser), v.find("+*", inventory.AnyUser)
	if some == nil && every == nil && !v.catchAllRules() {
		return
	}
	r.unless(v.namesWithDetail(), `\+`, func(r *ruleText) {
		if some != nil {
			v.openRule(r, "^("+anyUser+`)\+(`+someDetail+")@", some)
		}
		if every != nil {
			v.openRule(r, "^("+anyUser+`)\+(`+anyDetail+")@", every)
		} else if v.catchAllRules() {
			v.openRule(r, "^("+anyUser+`)\+(`+anyDetail+")@", v.catchAllEntry())
		}
	})
	if v.refused == nil && v.catchAll.Kind == inventory.ToPattern && v.rightOfCatchAll(v.name) == "" {
		r.rule("^("+anyUser+")@", ofPattern(v.m.Pattern(&v.catchAll), group(1), "", ""))
	}
}

// catchAllEntry returns the catch-all as the entry of the details that no key has.
func (v *domain) catchAllEntry() *entry {
	e := &entry{Address: inventory.Address{Local: "+*", Form: inventory.AnyUser, Detail: v.detail, To: v.catchAll}}
	if v.detail == inventory.DetailReject {
		e.refused = &unknown
	}
	return e
}

// openRule adds the rule of a key for any user.
func (v *domain) openRule(r *ruleText, pattern string, e *entry) {
	user, plus := group(1), "+"+group(2)
	switch {
	case e.refused != nil:
		r.rule(pattern, v.refusedResult(e.Local, user+plus, *e.refused))
	case e.To.Kind == inventory.ToPattern:
		r.rule(pattern, ofPattern(v.m.Pattern(&e.To), user, group(2), plus))
	case e.To.Kind == inventory.ToDomain:
		r.rule(pattern, user+plus+"@"+e.To.Text)
	case e.To.Kind != inventory.ToLocal:
		r.rule(pattern, v.withPlus(&e.To, e.Detail, plus, v.origin(e)))
	}
}

// namesWithDetail returns the users whose details are decided by their own keys, before
// the keys for any user.
func (v *domain) namesWithDetail() (names []string) {
	for i := range v.entries {
		switch e := &v.entries[i]; {
		case e.bare:
		case e.Form == inventory.Plain, e.Form == inventory.AnyDetail && v.find(e.User(), inventory.Plain) == nil:
			names = append(names, e.User())
		}
	}
	return names
}
