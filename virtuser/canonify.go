package virtuser

import (
	"slices"
	"strings"
)

// A mailbox is an address that is split at its domain: user<@host> in the notation of
// the rulesets. A host that is known to be complete ends in a dot.
type mailbox struct {
	user, host []string
	at         bool // there is a host, which may be empty
	list       bool // an empty group, such as friends:;
}

// canonify splits an address into user and host, as ruleset canonify (3) does.
func (r *Router) canonify(t []string, level int) (mailbox, *refusal) {
	if level+1 > maxLevel {
		return mailbox{}, tooDeep
	}
	t, list := unwrap(t)
	if list {
		return mailbox{list: true}, nil
	}
	if len(t) == 0 {
		return mailbox{at: true}, nil
	}
	m, bad := r.focus(withoutRoute(t))
	switch {
	case bad != nil:
		return mailbox{}, bad
	case level+2 > maxLevel: // the level of Canonify2
		return mailbox{}, tooDeep
	}
	r.complete(&m)
	return m, nil
}

// unwrap removes what is around an address: a phrase before a colon, angle brackets,
// semicolons. list reports an empty group.
func unwrap(t []string) (rest []string, list bool) {
	n := len(t)
	empty := n > 2 && t[n-3] == "<" && t[n-2] == "@" // the rulesets use this as a mark
	if empty {
		t = t[:n-3]
	}
	if empty || beginsWithPhrase(t) {
		if colon := slices.Index(t, ":"); colon >= 0 {
			t = t[colon+1:]
		}
	}
	for len(t) > 0 && t[len(t)-1] == ";" {
		t = t[:len(t)-1]
	}
	open := slices.Index(t, "<")
	if i := indexSeq(t, 0, ":", ";", ">"); open >= 0 && i > open+1 {
		return nil, true
	}
	for n := len(t); n > 2 && open >= 0 && t[n-1] == ">" && t[n-2] == ";"; n-- {
		t = append(slices.Clone(t[:n-2]), ">")
	}
	if len(t) == 0 {
		return nil, true
	}
	if last := lastIndex(t, "<"); last >= 0 {
		t = t[last+1:]
	}
	if end := slices.Index(t, ">"); end >= 0 {
		t = t[:end]
	}
	return t, false
}

// beginsWithPhrase reports whether the text before the first colon is a phrase, and not
// a part of the address.
func beginsWithPhrase(t []string) bool {
	if len(t) == 0 {
		return false
	}
	last := t[len(t)-1]
	open := slices.Index(t, "<")
	ip6 := indexSeq(t, 0, "[", "IPv6", ":")
	switch {
	case open >= 0 && slices.Contains(t[open:], ">"), t[0] == "@",
		ip6 >= 0 && last == "]" && len(t) > ip6+4, indexSeq(t, 0, ":", ":") >= 0, indexSeq(t, 0, ":", "include", ":") == 0:
	default:
		return true
	}
	colon := slices.Index(t, ":")
	return last == "]" && colon >= 0 && slices.Contains(t[colon:], "[")
}

// withoutRoute drops a source route: @a,@b:user@c (RFC 5321 appendix C).
func withoutRoute(t []string) []string {
	for t[0] == "@" {
		comma := indexFrom(t, 2, ",")
		if comma < 0 || comma+1 == len(t) {
			break
		}
		t = t[comma+1:]
	}
	for t[0] == "@" && len(t) > 1 && t[1] == "[" {
		end := indexSeq(t, 2, "]", ":")
		if end < 0 || end+2 == len(t) {
			break
		}
		t = t[end+2:]
	}
	for t[0] == "@" {
		colon := indexFrom(t, 2, ":")
		if colon < 0 || colon+1 == len(t) {
			break
		}
		t = t[colon+1:]
	}
	return t
}

// focus splits user and host: at the last @, otherwise at the first !, otherwise at the
// last %.
func (r *Router) focus(t []string) (mailbox, *refusal) {
	if colon := indexFrom(t, 1, ":"); colon >= 0 {
		if end := indexSeq(t, colon+1, ";", "@"); end >= 0 && end+2 < len(t) {
			return mailbox{user: t[:end+1], host: t[end+2:], at: true}, nil
		}
		if t[len(t)-1] == ";" {
			return mailbox{user: t}, nil
		}
	}
	if at := indexFrom(t, 1, "@"); at >= 0 && at+1 < len(t) {
		for {
			next := indexFrom(t, at+1, "@")
			if next < 0 || next+1 == len(t) {
				return mailbox{user: t[:at], host: t[at+1:], at: true}, nil
			}
			at = next
		}
	}
	if m, ok := uucp(t); ok {
		return m, nil
	}
	t = slices.Clone(t)
	last, marks := -1, 0
	for i, token := range t {
		if token == "%" || token == "@" {
			t[i], last = "%", i
			marks++
		}
	}
	switch {
	case marks >= maxRewrites:
		return mailbox{}, endless
	case last < 0:
		return mailbox{user: t}, nil
	}
	return mailbox{user: t[:last], host: t[last+1:], at: true}, nil
}

// uucp splits host!user. A host without a dot becomes host.UUCP.
func uucp(t []string) (mailbox, bool) {
	if len(t) > 2 && t[1] == "!" {
		return mailbox{user: t[2:], host: []string{t[0], ".", "UUCP"}, at: true}, true
	}
	for i := 1; i+3 < len(t); i++ {
		if t[i] == "." && t[i+2] == "!" {
			return mailbox{user: t[i+3:], host: slices.Clone(t[:i+2]), at: true}, true
		}
	}
	if i := indexFrom(t, 1, "!"); i >= 0 && i+1 < len(t) {
		return mailbox{user: t[i+1:], host: append(slices.Clone(t[:i]), ".", "UUCP"), at: true}, true
	}
	return mailbox{}, false
}

// complete gives the host its full form (ruleset Canonify2): the own host name for
// localhost and for the host's addresses, and a final dot for names of class w and
// names with a dot in them. No DNS is asked, as with FEATURE(nocanonify).
func (r *Router) complete(m *mailbox) {
	n := len(m.host)
	if !m.at || n == 0 {
		return
	}
	if r.meansUs(m.host) {
		m.host = append(slices.Clone(r.j), ".")
		return
	}
	if n > 2 && m.host[0] == "[" && m.host[n-1] == "]" {
		if r.inClassW(m.host) {
			m.host = append(slices.Clone(r.j), ".")
		}
		return
	}
	if m.host[n-1] == "." {
		for n > 1 && m.host[n-2] == "." {
			n--
		}
		m.host = m.host[:n]
		return
	}
	if dot := indexFrom(m.host, 1, "."); dot >= 0 || r.inClassW(m.host) || r.isVirtual(m.host) {
		m.host = append(slices.Clone(m.host), ".")
	}
}

// meansUs reports whether a host is localhost, localhost in the domain of the host, or
// localhost.UUCP.
func (r *Router) meansUs(host []string) bool {
	if !strings.EqualFold(host[0], "localhost") {
		return false
	}
	rest := joined(host[1:], blankSub)
	_, domain, _ := strings.Cut(r.Host, ".")
	return rest == "" || strings.EqualFold(rest, "."+domain) || strings.EqualFold(rest, ".UUCP")
}

func indexFrom(t []string, from int, token string) int {
	for i := from; i < len(t); i++ {
		if t[i] == token {
			return i
		}
	}
	return -1
}

func lastIndex(t []string, token string) int {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i] == token {
			return i
		}
	}
	return -1
}

// indexSeq finds a sequence of tokens, ignoring case.
func indexSeq(t []string, from int, seq ...string) int {
	for i := from; i+len(seq) <= len(t); i++ {
		if slices.EqualFunc(t[i:i+len(seq)], seq, strings.EqualFold) {
			return i
		}
	}
	return -1
}
