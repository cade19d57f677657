package route

import (
	"strings"
	"unicode/utf8"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/postfix/table"
)

// A class is the kind of a domain (ADDRESS_CLASS_README).
type class int

const (
	other class = iota
	localClass
	aliasClass
	mailboxClass
	relayClass
)

// A target is where trivial-rewrite(8) sends an address.
type target struct {
	transport, nexthop string
	addr               string // in internal form, with a domain
	class              class
	routed             bool // the local part has a sign of a route
	bad                bool // the address is not valid
	failed             bool // a table could not be read
}

func (t *target) domain() string { return t.addr[strings.LastIndexByte(t.addr, '@')+1:] }

// folded returns the target as smtpd(8) uses it.
func (t target) folded() target {
	t.addr = table.Fold(t.addr)
	return t
}

// isLocal reports whether a domain is in mydestination, or is an address of this host.
func (r *Router) isLocal(w *walk, domain string) (bool, error) {
	domain = strings.TrimSuffix(domain, ".")
	if domain == "" || strings.HasSuffix(domain, ".") {
		return false, nil
	}
	ok, err := r.mydestination.match(w, domain)
	if ok || err != nil {
		return ok, err
	}
	addr, literal := literalAddr(domain)
	if literal && r.interfaces[addr] {
		w.built("inet_interfaces", domain, true)
		return true, nil
	}
	return false, nil
}

// resolve finds the target of an address in internal form.
func (w *walk) resolve(addr string) target {
	var t target
	var local bool
	if at, ok := simple(addr); ok && addr[0] != '-' {
		var err error
		if local, err = w.r.isLocal(w, addr[at+1:]); err != nil {
			return target{addr: addr, failed: true}
		}
		t.addr = addr
	} else if t, local = w.unwrap(addr); t.bad || t.failed {
		return t
	}
	w.send(&t, local)
	return t
}

// unwrap strips domains of this host from an address until there is none, or another
// domain is left. local says that none is left.
func (w *walk) unwrap(addr string) (t target, local bool) {
	tokens, saved, local, failed := w.stripped(scan(quote(addr, false)), len(addr)+100)
	if failed {
		return target{addr: addr, failed: true}, false
	}
	if local {
		if saved == nil {
			saved = append([]token{{kind: '@'}}, scan(w.r.myhostname)...)
		}
		tokens = append(append([]token{}, tokens...), saved...)
	}
	t.addr = plain(tokens, true)
	domain := t.domain()
	if strings.HasPrefix(domain, "[") {
		_, ok := literalAddr(domain)
		t.bad = !ok
	} else {
		t.bad = !utf8.ValidString(t.addr) || !validName(domain)
	}
	if strings.HasPrefix(t.addr, "-") && !w.r.minusUser {
		t.bad = true
	}
	sign := strings.IndexAny(t.addr, "@!%")
	t.routed = t.addr[sign+1:] != domain
	return t, local
}

// validName reports whether a domain is a valid host name, which may have letters
// other than those of ASCII.
func validName(domain string) bool {
	if ascii(domain) {
		return validHost(domain)
	}
	_, problem := mailaddr.FoldDomain(domain)
	return problem == nil
}

// stripped removes domains of this host, and reads what is left as an address. saved is
// the domain that was removed last, with its @.
func (w *walk) stripped(t []token, most int) (left, saved []token, local, failed bool) {
	r := w.r
	for range most {
		n := len(t)
		if n > 1 && t[n-1].kind == '.' && findLast(t, '@') >= 0 && t[n-2].kind != '.' && t[n-2].kind != '@' {
			t = t[:n-1]
			n--
		}
		if r.nullDomain && n > 0 && t[n-1].kind == '@' {
			t = t[:n-1]
		}
		if at := findLast(t, '@'); at >= 0 {
			if at+1 < len(t) {
				ours, err := r.isLocal(w, plain(t[at+1:], true))
				if err != nil {
					return nil, nil, false, true
				}
				if !ours {
					return t, saved, false, false
				}
			}
			t, saved = t[:at], t[at:]
		}
		switch {
		case findLast(t, '@') >= 0, r.swapBang && findLast(t, '!') >= 0, r.percent && findLast(t, '%') >= 0:
			t = r.rewrite(t)
			continue
		case r.dequote && len(t) == 1 && t[0].kind == quoted:
			if opened, ok := r.opened(t[0].text); ok {
				t = r.rewrite(opened)
				continue
			}
		}
		if len(t) == 0 || len(t) == 1 && t[0].kind == quoted && t[0].text == "" {
			if t = scan(r.emptyAddress); len(t) == 0 {
				return nil, nil, false, true
			}
			continue
		}
		if saved == nil {
			t = append(append(append([]token{}, t...), token{kind: '@'}), scan(r.myhostname)...)
			continue
		}
		return t, saved, true, false
	}
	return nil, nil, false, true
}

// opened reads a quoted local part with a sign of a route as an address.
func (r *Router) opened(text string) ([]token, bool) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 && r.percent {
		if at = strings.LastIndexByte(text, '%'); at >= 0 {
			text = text[:at] + "@" + text[at+1:]
		}
	}
	if at < 0 {
		return scan(text), r.swapBang && strings.Contains(text, "!")
	}
	return scan(quote(text, false)), true
}

// send fills in the class and the transport.
func (w *walk) send(t *target, local bool) {
	r := w.r
	domain := t.domain()
	t.nexthop = domain
	transport := r.localTransport
	if t.class = localClass; !local {
		var err error
		if t.class, err = w.classOf(domain); err != nil {
			t.failed = true
			return
		}
		switch t.class {
		case aliasClass:
			transport, t.nexthop = "error", "5.1.1 User unknown"+r.inTable("virtual alias")
		case mailboxClass:
			transport = r.virtualTransport
		case relayClass:
			transport = r.relayTransport
		default:
			transport = r.defaultTransport
		}
	}
	name, nexthop, _ := strings.Cut(transport, ":")
	t.transport = name
	if nexthop != "" {
		t.nexthop = nexthop
	}
	if t.class != aliasClass {
		w.transport(t, domain)
	}
	w.relocated(t)
}

// classOf returns the class of a domain that is not local.
func (w *walk) classOf(domain string) (class, error) {
	for _, c := range []struct {
		list *names
		is   class
	}{{w.r.aliasDomains, aliasClass}, {w.r.mailboxDomains, mailboxClass}, {w.r.relayDomains, relayClass}} {
		ok, err := c.list.match(w, domain)
		if err != nil {
			return other, err
		}
		if ok {
			return c.is, nil
		}
	}
	return other, nil
}

// transport asks transport_maps (transport(5)).
func (w *walk) transport(t *target, domain string) {
	how := asTransport
	if !w.r.belowTransport {
		how |= dotted
	}
	value, _, ok, err := w.look(w.r.transports, t.addr, how)
	if !ok && err == nil {
		value, ok, err = w.r.transports.find(w, "*", false)
	}
	if err != nil {
		t.failed = true
		return
	}
	if !ok {
		return
	}
	name, nexthop, _ := strings.Cut(value, ":")
	if name != "" {
		if t.transport = name; nexthop == "" {
			if nexthop = domain; name == "error" || name == "retry" {
				nexthop = "Address is undeliverable"
			}
		}
	}
	if nexthop != "" {
		t.nexthop = nexthop
	}
}

// relocated asks relocated_maps (relocated(5)).
func (w *walk) relocated(t *target) {
	value, _, ok, err := w.look(w.r.relocatedMaps, t.addr, asKnown)
	if err != nil {
		t.failed = true
	} else if ok {
		t.transport, t.nexthop = "error", "5.1.6 User has moved to "+value
	}
}
