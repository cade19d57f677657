package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// deliver says what happens to an address that was parsed: it is relayed, or
// goes to aliases and accounts.
func (w *walk) deliver(to triple) Outcome {
	out := Outcome{Code: 250, Status: "2.1.5", Text: "Recipient ok", Mailer: to.mailer}
	if to.mailer != "local" {
		out.NextHost = strings.TrimSuffix(joined(to.host, blankSub), ".")
		out.User = joined(to.user, blankSub) + "@" + out.NextHost
		out.Recipients = []string{out.User}
		return out
	}
	out.User = mailaddr.Lower(joined(finished(to.user), blankSub))
	if bad := notDirect(to.user); bad != nil {
		return refused(bad)
	}
	known, bad := w.local(out.User, 0, &out.Recipients)
	switch {
	case bad != nil:
		return refused(bad)
	case !known:
		return refused(unknownUser)
	}
	slices.Sort(out.Recipients)
	out.Recipients = slices.Compact(out.Recipients)
	return out
}

// Ends gives the recipients that a local name leads to by the alias files, sorted:
// the name itself where they do not have it.
func (r *Router) Ends(name string) []string {
	w := walk{r: r}
	var ends []string
	if known, bad := w.local(mailaddr.Lower(name), 0, &ends); !known || bad != nil {
		return []string{name}
	}
	slices.Sort(ends)
	return slices.Compact(ends)
}

// finished takes the last angle brackets away (rulesets EnvToL and final).
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

// notDirect refuses what only an alias may lead to: programs, files and
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

// local finds an alias or an account: for user+detail the aliases
// user+detail, user+* and user, then the account (ruleset localaddr). It
// appends the recipients that are behind it.
func (w *walk) local(name string, depth int, to *[]string) (known bool, bad *refusal) {
	if depth > maxAliasDepth {
		return false, &refusal{554, "5.4.6", "aliasing/forwarding loop broken"}
	}
	user, detail, plus := splitDetail(name)
	keys := []string{name}
	if plus {
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
				return false, damagedMap
			}
			if ok {
				w.expand(key, string(value), user, depth+1, to)
				return true, nil
			}
		}
	}
	user = stripQuotes(user)
	known = w.r.Account(user)
	w.step("accounts", user, nil, known)
	if known && detail != "" {
		user += "+" + detail
	}
	if known {
		*to = append(*to, user)
	}
	return known, nil
}

// expand follows an alias, once: whom it leads to is known the second time.
func (w *walk) expand(key, list, alias string, depth int, to *[]string) {
	if w.expanded[key] {
		return
	}
	if w.expanded == nil {
		w.expanded = map[string]bool{}
	}
	w.expanded[key] = true
	w.members(list, alias, depth, to)
}

// members follows the recipients of an alias. What is wrong with one of them
// bounces later; the alias itself is accepted.
func (w *walk) members(list, alias string, depth int, to *[]string) {
	for _, member := range splitMembers(list) {
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
			*to = append(*to, joined(next.user, blankSub)+"@"+strings.TrimSuffix(joined(next.host, blankSub), "."))
			continue
		}
		name := mailaddr.Lower(joined(finished(next.user), blankSub))
		if name == alias || name == `\`+alias { // its own name ends the expansion
			*to = append(*to, alias)
			continue
		}
		_, _ = w.local(name, depth, to)
	}
}

// splitMembers cuts the right side of an alias at its commas, not within
// quotes.
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
