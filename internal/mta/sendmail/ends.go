package sendmail

import (
	"bytes"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/virtuser"
)

// Ends decides which right sides end at the same recipients in two sets, whatever else
// differs between the sets. These are errors, addresses in other domains, and names
// whose aliases, followed to the end, have the same members in both sets. In doubt,
// Ends says that a right side differs. It is not safe for concurrent use.
type Ends struct {
	old, next *virtuser.Router
	names     map[string]bool // whether an alias or an account leads to the same in both sets
	foreign   map[string]bool // whether neither set takes or relays a domain
}

// NewEnds makes the Ends of two sets. Both sets must have the same host name and
// accounts.
func NewEnds(old, next *virtuser.Router) *Ends {
	return &Ends{old: old, next: next, names: map[string]bool{}, foreign: map[string]bool{}}
}

// Same reports whether a right side leads to the same recipients in both sets. Both
// sets must have a row with this right side.
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

// SameRole reports whether a domain has the same role in both sets: taken, relayed, or
// refused.
func (e *Ends) SameRole(domain string) bool {
	return taken(e.old, domain) == taken(e.next, domain) && relayed(e.old, domain) == relayed(e.next, domain)
}

func taken(r *virtuser.Router, domain string) bool { return domain == r.Host || r.ClassW(domain) }

func relayed(r *virtuser.Router, domain string) bool { return r.Relayed != nil && r.Relayed(domain) }

// address reports whether a right side is one plain address, without a route or a list,
// in a domain that neither set takes or relays.
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

// name reports whether a name has the same members in both sets, and whether these
// members also lead to the same. A name in a circle of aliases counts as different,
// because its members are not known until the circle is followed.
func (e *Ends) name(name string) bool {
	same, known := e.names[name]
	if known {
		return same
	}
	e.names[name] = false
	if !plainly([]byte(name), "._-=") { // the names of virtmap's aliases have a =
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

// plainly reports whether a text is not empty and has only letters, digits and the
// characters of more.
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
