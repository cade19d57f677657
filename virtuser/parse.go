package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// A triple is the result of ruleset parse (0) for an address.
type triple struct {
	mailer string
	host   []string // the next server
	user   []string // for another server: the user without its host
	domain []string // the domain of the address, if it is not the host
	stays  bool     // for mailer local: no relay gets the user, and it has no detail
}

func (w *walk) parseTokens(t []string, level int) (triple, *refusal) {
	m, bad := w.r.canonify(t, level)
	if bad != nil {
		return triple{}, bad
	}
	return w.parse(m, level)
}

// parse chooses the mailer. It looks the address up in the virtusertable.
func (w *walk) parse(m mailbox, level int) (triple, *refusal) {
	m, bad := w.r.strip(m, level+1)
	if bad != nil {
		return triple{}, bad
	}
	switch {
	case m.at && len(m.host) == 0:
		return triple{mailer: "local"}, nil // <@>, the empty address
	case m.at && isLiteral(m.host):
		return w.elsewhere(m, level+1)
	case !m.at || len(m.user) == 0 || !endsInDot(m.host) || !w.r.inClassW(m.host) && !w.r.isVirtual(m.host):
	default:
		return w.virtual(m, level+1)
	}
	if !m.at {
		return w.here(m, level+1)
	}
	return w.elsewhere(m, level+1)
}

func isLiteral(host []string) bool {
	return len(host) > 2 && host[0] == "[" && slices.Contains(host, "]")
}

func endsInDot(host []string) bool { return len(host) > 1 && host[len(host)-1] == "." }

// strip checks the syntax of an address and removes the parts that lead to this host
// (ruleset Parse0): user%host@here becomes user@host.
func (r *Router) strip(m mailbox, level int) (mailbox, *refusal) {
	if level > maxLevel {
		return m, tooDeep
	}
	if bad := illFormed(&m); bad != nil || m.at && len(m.host) == 0 {
		return m, bad
	}
	here := m.at && endsInDot(m.host) && r.inClassW(m.host)
	if len(m.user) == 1 && (here || !m.at) {
		user, bad := dequoted(m.user[0])
		if bad != nil {
			return m, bad
		}
		if m.user = user; len(user) == 0 {
			return m, noUser
		}
		here = true // an address without a host is *LOCAL*
	}
	if m.at && len(m.user) == 0 {
		return m, noUser
	}
	if !here || !slices.ContainsFunc(m.user, isRoute) {
		return m, nil
	}
	inner, bad := r.canonify(m.user, level+1)
	if bad != nil {
		return m, bad
	}
	return r.strip(inner, level+1)
}

// illFormed returns the syntax errors of ruleset Parse0.
func illFormed(m *mailbox) *refusal {
	if m.list {
		return &refusal{553, "5.1.3", "List:; syntax illegal for recipient addresses"}
	}
	if !m.at {
		return danglingComma(m.user, false)
	}
	if len(m.user) == 1 && m.user[0] == "@" {
		m.user = nil
	}
	n := len(m.host)
	switch {
	case len(m.user) == 0 && n > 0:
		return noUser
	case len(m.user) == 0:
		return nil // <@>
	case n == 0:
		return &refusal{553, "5.1.3", "Hostname required"}
	}
	if bad := badLiteral(m.host); bad != nil {
		return bad
	}
	switch {
	case m.host[0] == ".", indexSeq(m.host, 0, ".", ".") >= 0:
		return badHost
	case m.host[n-1] == "@":
		return &refusal{553, "5.1.2", "Invalid route address"}
	case slices.Contains(m.user, "@"):
		return badRoute
	}
	if bad := danglingComma(m.user, true); bad != nil {
		return bad
	}
	return danglingComma(m.host, true)
}

func badLiteral(host []string) *refusal {
	if end := slices.Index(host, "]"); host[0] == "[" && end > 0 {
		behind := indexSeq(host, 0, "]", ":")
		if behind < 0 {
			behind = indexSeq(host, 0, "]", ",")
		}
		switch {
		case behind >= 0 && behind+2 < len(host):
			return nil
		case end+1 < len(host):
			return &refusal{553, "5.1.2", "Invalid address"}
		case end > 1:
			return nil
		}
	}
	if slices.Contains(host, ":") {
		return &refusal{553, "5.1.3", "Colon illegal in host name part"}
	}
	return nil
}

// danglingComma refuses a comma that no @, % or ! follows.
func danglingComma(t []string, more bool) *refusal {
	for i, token := range t {
		last := i+1 == len(t)
		if token == "," && (last && more || !last && !isRoute(t[i+1])) {
			return badRoute
		}
	}
	return nil
}

// virtual looks an address of class w or {VirtHost} up in the virtusertable. If it has
// no row and only {VirtHost} has the domain, the address is relayed.
func (w *walk) virtual(m mailbox, level int) (triple, *refusal) {
	if level > maxLevel {
		return triple{}, tooDeep
	}
	value, ok, bad := w.row(m)
	if bad != nil {
		return triple{}, bad
	}
	if !ok {
		return w.withoutRow(m, level)
	}
	t, bad := tokens(value)
	switch {
	case bad != nil:
		return triple{}, bad
	case value == "":
		return triple{mailer: "local", user: append([]string{"<", ">"}, m.user...)}, nil
	case len(t) == 0 && level > 1: // after another row, the rulesets leave a mark
		return triple{mailer: "local", user: append([]string{"<", "!", ">"}, m.user...)}, nil
	case len(t) == 0:
		return triple{}, noMailer
	case isErrorRow(t):
		return triple{}, errorReply(t, slices.Concat(m.user, []string{"<", "@"}, m.host))
	case len(t) == 1 && t[0] == "!": // a mark of the rulesets for: no row
		return w.withoutRow(m, level)
	case level+1 > maxLevel:
		return triple{}, tooDeep
	}
	return w.parseTokens(t, level+2)
}

// withoutRow returns the triple of an address that has no row.
func (w *walk) withoutRow(m mailbox, level int) (triple, *refusal) {
	if w.r.inClassW(m.host) {
		return w.here(m, level)
	}
	return w.elsewhere(m, level)
}

// row tries the keys of an address in sendmail's order. It returns the right side of
// the first key that is found, with the parameters replaced.
func (w *walk) row(m mailbox) (value string, ok bool, bad *refusal) {
	host := joined(m.host[:len(m.host)-1], blankSub)
	local := joined(m.user, blankSub)
	if value, ok, bad = w.probe(local+"@"+host, binding{1: local}); ok || bad != nil {
		return value, ok, bad
	}
	plus := indexFrom(m.user, 1, "+")
	if plus < 0 {
		return w.probe("@"+host, binding{1: local})
	}
	user, detail := joined(m.user[:plus], blankSub), joined(m.user[plus+1:], blankSub)
	for _, form := range [...]struct {
		key    string
		filled bool // only if there is a detail
	}{{user + "++", true}, {user + "+*", false}, {user, false}, {"++", true}, {"+*", false}, {"", false}} {
		if form.filled && plus+1 == len(m.user) {
			continue
		}
		value, ok, bad = w.probe(form.key+"@"+host, binding{1: user, 2: detail, 3: "+" + detail})
		if ok || bad != nil {
			return value, ok, bad
		}
	}
	return "", false, nil
}

func (w *walk) probe(key string, b binding) (value string, ok bool, bad *refusal) {
	b[0] = stripQuotes(key)
	found, ok, err := w.get(w.r.Rows, "virtusertable", b[0])
	if err != nil {
		return "", false, damagedMap
	}
	value = b.substitute(string(found))
	return value, ok && strings.TrimSpace(value) != "@", nil // @ is a mark of the rulesets for: try the next key
}

// get looks a key up in lower case, first without a NUL at the end, then with the NUL
// that newaliases adds.
func (w *walk) get(find Lookup, table, key string) (value []byte, ok bool, err error) {
	folded := []byte(mailaddr.Lower(key[:min(len(key), MaxKey+1)]))
	value, ok, err = find(folded)
	if err == nil && !ok {
		value, ok, err = find(append(folded, 0))
	}
	if n := len(value); n > 0 && value[n-1] == 0 {
		value = value[:n-1]
	}
	w.step(table, string(folded), value, ok)
	return value, ok, err
}
