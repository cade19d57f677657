package sendmail

import (
	"bytes"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/virtuser"
)

// Ends tells which right sides lead to the same end in two sets, whatever else
// differs between them: errors, addresses elsewhere, and names whose aliases
// have the same members in both, to the last. Of what it does not know it says
// that it may differ. It is for one goroutine.
type Ends struct {
	old, next *virtuser.Router
	names     map[string]bool // whether an alias or an account is the same in both
	foreign   map[string]bool // whether a domain is elsewhere for both
}

// NewEnds makes the Ends of two sets that have the same host and accounts.
func NewEnds(old, next *virtuser.Router) *Ends {
	return &Ends{old: old, next: next, names: map[string]bool{}, foreign: map[string]bool{}}
}

// Same reports whether a right side that both sets have leads to the same end
// in both.
func (e *Ends) Same(right []byte) bool {
	same, known := e.names[string(right)]
	switch {
	case known:
		return same
	case len(right) > 6 && bytes.EqualFold(right[:6], []byte("error:")):
		return true
	case bytes.IndexByte(right, '@') >= 0:
		return e.address(right)
	}
	return e.name(string(right))
}

// SameRole reports whether both sets take a domain, relay it, or refuse it.
func (e *Ends) SameRole(domain string) bool {
	return taken(e.old, domain) == taken(e.next, domain) && relayed(e.old, domain) == relayed(e.next, domain)
}

func taken(r *virtuser.Router, domain string) bool { return domain == r.Host || r.ClassW(domain) }

func relayed(r *virtuser.Router, domain string) bool { return r.Relayed != nil && r.Relayed(domain) }

// address reports whether an address is one elsewhere, and no route or list.
func (e *Ends) address(right []byte) bool {
	at := bytes.IndexByte(right, '@')
	domain := right[at+1:]
	if at == 0 || !plainly(right[:at], "._-+=%") || !plainly(domain, ".-") {
		return false
	}
	foreign, known := e.foreign[string(domain)]
	if !known {
		foreign = e.isForeign(mailaddr.Lower(string(domain)))
		e.foreign[string(domain)] = foreign
	}
	return foreign
}

func (e *Ends) isForeign(domain string) bool {
	if !strings.Contains(domain, ".") || strings.HasSuffix(domain, ".") || strings.HasPrefix(domain, "localhost.") {
		return false
	}
	for _, r := range []*virtuser.Router{e.old, e.next} {
		if taken(r, domain) || relayed(r, domain) {
			return false
		}
	}
	return true
}

// name reports whether a name leads to the same members in both sets, and these
// too. A circle may differ: what is in it is known only at its end.
func (e *Ends) name(name string) bool {
	same, known := e.names[name]
	if known {
		return same
	}
	e.names[name] = false
	if !plainly([]byte(name), "._-=") { // = is in the names of our own aliases
		return false
	}
	was, aliased := e.old.Aliases.Alias(mailaddr.Lower(name))
	is, still := e.next.Aliases.Alias(mailaddr.Lower(name))
	same = was == is && aliased == still
	for member := range strings.SplitSeq(was, ",") {
		if member = strings.TrimSpace(member); same && aliased && !strings.HasPrefix(member, "/") {
			same = e.Same([]byte(member))
		}
	}
	e.names[name] = same
	return same
}

// plainly reports whether a text is of letters, digits and some more signs.
func plainly(text []byte, more string) bool {
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', 'A' <= c && c <= 'Z', strings.IndexByte(more, c) >= 0:
		default:
			return false
		}
	}
	return len(text) > 0
}
