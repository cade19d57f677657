package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
)

// Relays are the hosts to which the configuration of a sendmail passes mail on. Each
// has one of the forms of MailerToTriple in cf/m4/proto.m4. Empty: the mail stays.
//
//	backup.example           by the mailer relay; a host of class w counts as empty
//	esmtp:backup.example     by another mailer; [192.0.2.9] asks for no MX
//	esmtp:ann@backup.example to one mailbox there
//	local:andrei             to a local user, after the aliases
//	error:5.1.1:550 text     refused; also error:word:550 text and error:text
type Relays struct {
	Unknown     string // L, LUSER_RELAY: local names that are neither alias nor account
	Hub         string // H, MAIL_HUB: all local names that are not an alias
	Unqualified string // R, LOCAL_RELAY: as Hub, used if Hub is empty
	Smart       string // S, SMART_HOST: all mail for other servers

	// Stays reports whether a name is in class L (LOCAL_USER): no relay gets these
	// names. nil: the class is empty.
	Stays func(name string) bool

	// Sticky is FEATURE(`stickyhost'). An address with a host goes to Hub unchanged and
	// without the aliases; without Hub it stays. The other relays are then only for
	// names without a host.
	Sticky bool
}

// Names of the relays in a Trace.
const (
	unknownRelay     = "LUSER_RELAY"
	hubRelay         = "MAIL_HUB"
	unqualifiedRelay = "LOCAL_RELAY"
	smartRelay       = "SMART_HOST"
)

// ofLocal returns the relay of a local name that is no alias (ruleset localaddr).
func (r *Relays) ofLocal(account bool) (name, relay string) {
	switch {
	case r.Unknown != "" && !account:
		return unknownRelay, r.Unknown
	case r.Hub != "":
		return hubRelay, r.Hub
	}
	return unqualifiedRelay, r.Unqualified
}

// relayTokens splits a relay as sendmail does when it reads the rules: quotes and
// comments have no meaning there.
func relayTokens(relay string) []string {
	return appendTokens(nil, strings.ReplaceAll(relay, `"`, ""))
}

// passOn returns the triple that a relay makes of an address. ok is false if the relay
// does not change the address (rulesets MailerToTriple and CanonLocal).
func (w *walk) passOn(relay string, m mailbox, level int) (to triple, ok bool, bad *refusal) {
	t := relayTokens(relay)
	switch {
	case len(t) == 0:
		return to, false, nil
	case len(t) < 3 || t[1] != ":" || t[0] == "[":
		if w.r.inClassW(t) {
			return to, false, nil
		}
		return triple{mailer: "relay", host: t, user: m.user, domain: m.host}, true, nil
	}
	rest := t[2:]
	switch mailaddr.Lower(t[0]) {
	case "error":
		return to, true, relayError(rest)
	case "local":
		return w.toLocal(rest, m, level)
	}
	if at := indexFrom(rest, 1, "@"); at > 0 && at+1 < len(rest) {
		return triple{mailer: t[0], host: rest[at+1:], user: rest[:at]}, true, nil
	}
	return triple{mailer: t[0], host: rest, user: m.user, domain: m.host}, true, nil
}

// toLocal returns the triple of local:user. If the address has a host, only the user
// part of user counts.
func (w *walk) toLocal(user []string, m mailbox, level int) (to triple, ok bool, bad *refusal) {
	if m.at && len(m.user) > 2 && slices.ContainsFunc(m.user[1:len(m.user)-1], isRoute) {
		to, bad = w.parseTokens(m.user, level+1)
		return to, true, bad
	}
	if at := indexFrom(user, 1, "@"); m.at && at > 0 {
		user = user[:at]
	}
	return triple{mailer: "local", user: user}, true, nil
}

// relayError returns the reply of error:D.S.N:text, error:word:text or error:text.
func relayError(t []string) *refusal {
	if isThreePart(t) && len(t) > 6 {
		return errorReply(append([]string{"error", ":"}, t...), nil)
	}
	if len(t) > 2 && t[1] == ":" {
		return errorReply(slices.Concat([]string{"error", ":", t[0]}, t[2:]), nil)
	}
	return errorReply(append([]string{"error", ":", "-"}, t...), nil)
}

// here returns the triple of a local name, or of an address of class w without a row
// (ruleset Parse1).
func (w *walk) here(m mailbox, level int) (triple, *refusal) {
	if !m.at || !w.r.Relays.Sticky {
		return triple{mailer: "local", user: m.user, stays: w.stays(joined(m.user, blankSub))}, nil
	}
	if hub := w.r.Relays.Hub; hub != "" {
		to, ok, bad := w.passOn(hub, m, level)
		if ok || bad != nil {
			w.step(hubRelay, joined(m.user, blankSub), []byte(hub), true)
			return to, bad
		}
		return w.elsewhere(m, level)
	}
	return triple{mailer: "local", user: m.user, stays: indexFrom(m.user, 1, "+") < 0}, nil
}

// elsewhere returns the triple of an address on another server.
func (w *walk) elsewhere(m mailbox, level int) (triple, *refusal) {
	direct := triple{mailer: "esmtp", host: m.host, user: m.user}
	smart := w.r.Relays.Smart
	if smart == "" {
		return direct, nil
	}
	var to triple
	var ok bool
	var bad *refusal
	if isLiteral(m.host) {
		to, ok, bad = literalBy(smart, m)
	} else {
		to, ok, bad = w.passOn(smart, m, level)
	}
	if !ok && bad == nil {
		return direct, nil
	}
	w.step(smartRelay, joined(m.user, blankSub)+"@"+strings.TrimSuffix(joined(m.host, blankSub), "."), []byte(smart), true)
	return to, bad
}

// literalBy returns what the smart host makes of an address literal. Parse1 takes the
// value for [mailer:]host, whatever its form is.
func literalBy(smart string, m mailbox) (to triple, ok bool, bad *refusal) {
	t := relayTokens(smart)
	if len(t) == 0 {
		return to, false, nil
	}
	to = triple{mailer: "esmtp", host: t, user: m.user, domain: m.host}
	if len(t) > 2 && t[1] == ":" {
		to.mailer, to.host = t[0], t[2:]
	}
	if strings.EqualFold(to.mailer, "error") { // the text is the address
		bad = &refusal{553, "5.3.0", stripQuotes(joined(slices.Concat(m.user, []string{"<", "@"}, m.host, []string{">"}), ' '))}
	}
	return to, true, bad
}

// relayed passes on a local name that is no alias, and appends its final recipients.
// next is the triple if another server gets the name. known is false if the name stays.
func (w *walk) relayed(name string, account bool, depth int, to *[]string) (known bool, next *triple, bad *refusal) {
	which, relay := w.r.Relays.ofLocal(account)
	if relay == "" {
		return false, nil, nil
	}
	user, bad := tokens(name)
	if bad != nil {
		return false, nil, bad
	}
	mail, ok, bad := w.passOn(relay, mailbox{user: user}, 0)
	local := mailaddr.Lower(joined(mail.user, blankSub))
	if bad == nil && (!ok || mail.mailer == "local" && local == name) {
		return false, nil, nil
	}
	w.step(which, name, []byte(relay), true)
	switch {
	case bad != nil:
		return false, nil, bad
	case mail.mailer == "local":
		known, next, bad = w.local(local, false, depth+1, to)
		if bad == nil && !known {
			bad = unknownUser
		}
		return known, next, bad
	}
	*to = append(*to, mail.address())
	return true, &mail, nil
}

// address returns the recipient of a triple for another server.
func (t *triple) address() string {
	host := t.domain
	if len(host) == 0 {
		host = t.host
	}
	return joined(t.user, blankSub) + "@" + strings.TrimSuffix(joined(host, blankSub), ".")
}
