package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// deliver returns the outcome of a parsed address: it is relayed, or goes to aliases
// and accounts.
func (w *walk) deliver(to triple) Outcome {
	out := Outcome{Code: 250, Status: "2.1.5", Text: "Recipient ok", Mailer: to.mailer}
	if to.mailer != "local" {
		out.sent(&to)
		out.Recipients = []string{out.User}
		return out
	}
	out.User = mailaddr.Lower(joined(finished(to.user), blankSub))
	if bad := notDirect(to.user); bad != nil {
		return refused(bad)
	}
	known, next, bad := w.local(out.User, to.stays, 0, &out.Recipients)
	switch {
	case bad != nil:
		return refused(bad)
	case !known:
		return refused(unknownUser)
	case next != nil:
		out.sent(next)
	}
	slices.Sort(out.Recipients)
	out.Recipients = slices.Compact(out.Recipients)
	return out
}

// sent records a delivery to another server.
func (o *Outcome) sent(to *triple) {
	o.Mailer, o.User = to.mailer, to.address()
	o.NextHost = strings.TrimSuffix(joined(to.host, blankSub), ".")
}

// Ends returns the final recipients of a local name after the alias files, sorted. If
// the files do not have the name, the result is the name itself.
func (r *Router) Ends(name string) []string {
	w := walk{r: r}
	var ends []string
	if known, _, bad := w.local(mailaddr.Lower(name), w.stays(name), 0, &ends); !known || bad != nil {
		return []string{name}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}

// finished removes the last angle brackets (rulesets EnvToL and final).
func finished(t []string) []string {
	if len(t) > 0 && t[0] == "<" && indexFrom(t, 1, "+") < 0 {
		if end := slices.Index(t, ">"); end > 0 && end+1 < len(t) {
			t = t[end+1:]
		}
	}
	for {
		open := slices.Index(t, "<")
		if open < 0 {
			return t
		}
		end := indexFrom(t, open+2, ">")
		if end < 0 {
			return t
		}
		t = slices.Concat(t[:open], t[open+1:end], t[end+1:])
	}
}

// notDirect refuses recipients that only an alias may have: programs, files and
// :include: lists.
func notDirect(t []string) *refusal {
	user := strings.TrimPrefix(joined(t, ' '), `"`)
	switch {
	case user == "":
	case user[0] == '|':
		return &refusal{550, "5.7.1", "Cannot mail directly to programs"}
	case user[0] == '/':
		return &refusal{550, "5.7.1", "Cannot mail directly to files"}
	case strings.HasPrefix(mailaddr.Lower(stripQuotes(user)), ":include:"):
		return &refusal{550, "5.7.1", "Cannot mail directly to :include:s"}
	}
	return nil
}

// local looks a local name up, first in the aliases: for user+detail as user+detail,
// user+* and user. Then come the relays and the accounts (ruleset localaddr). It
// appends the final recipients, and returns the triple if another server gets the name.
// With stays, the name is looked up without splitting, and no relay gets it.
func (w *walk) local(name string, stays bool, depth int, to *[]string) (known bool, next *triple, bad *refusal) {
	if depth > maxAliasDepth {
		return false, nil, &refusal{554, "5.4.6", "aliasing/forwarding loop broken"}
	}
	user, detail, plus := splitDetail(name)
	keys := []string{name}
	switch {
	case plus && stays:
		user, detail = name, ""
	case plus:
		keys = append(keys, user+"+*")
		if t, bad := tokens(user); bad == nil {
			user = joined(finished(t), blankSub)
		}
		keys = append(keys, user)
	}
	if w.r.Aliases != nil && !strings.Contains(name, `\`) {
		for _, key := range keys {
			value, ok, err := w.get(w.r.Aliases, "aliases", key)
			if err != nil {
				return false, nil, damagedMap
			}
			if ok {
				w.expand(&expansion{key, string(value), user, stays}, depth+1, to)
				return true, nil, nil
			}
		}
	}
	account := stripQuotes(user)
	known = w.r.Account(account)
	w.step("accounts", account, nil, known)
	if !stays {
		if passed, next, bad := w.relayed(name, known, depth, to); passed || bad != nil {
			return passed, next, bad
		}
	}
	if known && detail != "" {
		account += "+" + detail
	}
	if known {
		*to = append(*to, account)
	}
	return known, nil, nil
}

// stays reports whether a local name is in class L.
func (w *walk) stays(name string) bool {
	return w.r.Relays.Stays != nil && w.r.Relays.Stays(mailaddr.Lower(name))
}

// An expansion is an alias that was found.
type expansion struct {
	key   string
	list  string
	name  string // without the detail
	stays bool   // no relay gets the name
}

// expand follows an alias the first time. Later calls do nothing, because its
// recipients are known.
func (w *walk) expand(e *expansion, depth int, to *[]string) {
	if w.expanded[e.key] {
		return
	}
	if w.expanded == nil {
		w.expanded = map[string]bool{}
	}
	w.expanded[e.key] = true
	w.members(e, depth, to)
}

// members follows the recipients of an alias. A faulty recipient would bounce later,
// but the alias itself is accepted. If an alias names itself, the expansion ends there.
func (w *walk) members(e *expansion, depth int, to *[]string) {
	for _, member := range splitMembers(e.list) {
		switch {
		case member[0] == '/' || member[0] == '|' || member[0] == ':' || strings.HasPrefix(member, `"|`) || strings.HasPrefix(member, `"/`):
			*to = append(*to, member)
			continue
		}
		t, bad := tokens(member)
		if bad != nil || len(t) == 0 {
			continue
		}
		next, bad := w.parseTokens(t, 0)
		if bad != nil {
			continue
		}
		if next.mailer != "local" {
			*to = append(*to, next.address())
			continue
		}
		name := mailaddr.Lower(joined(finished(next.user), blankSub))
		switch name {
		case e.name:
			w.itself(e, name, e.stays, depth, to)
		case `\` + e.name:
			w.itself(e, name, next.stays, depth, to)
		default:
			_, _, _ = w.local(name, next.stays, depth, to)
		}
	}
}

// itself appends the recipient of an alias that names itself: its account.
func (w *walk) itself(e *expansion, name string, stays bool, depth int, to *[]string) {
	known := w.r.Account(stripQuotes(e.name))
	if !stays {
		if passed, _, bad := w.relayed(name, known, depth, to); passed || bad != nil {
			return
		}
	}
	if known {
		*to = append(*to, e.name)
	}
}

// splitMembers splits the right side of an alias at the commas outside of quotes.
func splitMembers(list string) []string {
	var all []string
	start, quoted := 0, false
	for i := 0; i <= len(list); i++ {
		if i < len(list) && list[i] == '"' {
			quoted = !quoted
		}
		if i == len(list) || list[i] == ',' && !quoted {
			if member := strings.TrimSpace(list[start:i]); member != "" {
				all = append(all, member)
			}
			start = i + 1
		}
	}
	return all
}
