package route

import (
	"net/netip"
	"strconv"
	"strings"
)

// simple reports whether trivial-rewrite(8) leaves an address as it is: one with a
// complete domain and nothing that needs quotes or is a sign of a route.
func simple(addr string) (at int, ok bool) {
	at = -1
	dot, previous := false, byte('.')
	for i := 0; i < len(addr); i++ {
		c := addr[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z':
		case c == '.':
			if previous == '.' || previous == '-' && at >= 0 {
				return 0, false
			}
			dot = dot || at >= 0
		case c == '@':
			if at >= 0 || previous == '.' {
				return 0, false
			}
			at, c = i, '.'
		case c == '-' && (at < 0 && i > 0 || previous != '.'):
		case (c == '+' || c == '=' || c == '_') && at < 0:
		default:
			return 0, false
		}
		previous = c
	}
	domain := addr[at+1:]
	return at, dot && at > 0 && previous != '.' && previous != '-' && len(domain) <= 63 && strings.Trim(domain, "0123456789.") != ""
}

// canonical completes an address in internal form as trivial-rewrite(8) does.
func (r *Router) canonical(addr string) string {
	if whole, ok := r.quick(addr); ok {
		return whole
	}
	return unquote(r.canonicalExternal(quote(addr, false)))
}

// quick returns the completed form of an address without signs and quotes, or of a word
// that only lacks the domain.
func (r *Router) quick(addr string) (string, bool) {
	if _, ok := simple(addr); ok {
		return addr, true
	}
	if !r.quickOrigin || addr == "" {
		return "", false
	}
	for i := 0; i < len(addr); i++ {
		if c := addr[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || i > 0 && (c == '-' || c == '+' || c == '_' || c == '=')) {
			return "", false
		}
	}
	return addr + "@" + r.myorigin, true
}

// canonicalExternal is canonical for an address in external form.
func (r *Router) canonicalExternal(ext string) string {
	t := scan(ext)
	if len(t) == 0 {
		return ext
	}
	return quote(plain(r.rewrite(t), true), false)
}

// rewrite completes an address: it drops a source route, puts the domain of a bang path
// or of a % behind an @, and adds $myorigin and $mydomain.
func (r *Router) rewrite(t []token) []token {
	if len(t) == 1 && t[0].kind == quoted && t[0].text == "" {
		return t
	}
	if len(t) == 1 && t[0].kind == '@' {
		return []token{{kind: quoted}}
	}
	if t[0].kind == '@' {
		if colon := find(t, ':'); colon >= 0 && colon != len(t)-1 {
			t = t[colon+1:]
		}
	}
	if findLast(t, '@') < 0 {
		t = r.withDomain(t)
	}
	if at := findLast(t, '@'); r.appendDot && r.mydomain != "" && at >= 0 && at != len(t)-1 && find(t[at:], literal) < 0 && find(t[at:], '.') < 0 {
		t = append(append(append([]token{}, t...), token{kind: '.'}), scan(r.mydomain)...)
	}
	if n := len(t); n > 1 && t[n-1].kind == '.' && t[n-2].kind != '.' && t[n-2].kind != '@' {
		t = t[:n-1]
	}
	return t
}

// withDomain gives an address without @ a domain.
func (r *Router) withDomain(t []token) []token {
	if bang := find(t, '!'); bang >= 0 && r.swapBang {
		swapped := append([]token{}, t[bang+1:]...)
		return append(append(swapped, token{kind: '@'}), t[:bang]...)
	}
	if percent := findLast(t, '%'); percent >= 0 && r.percent {
		t = append([]token{}, t...)
		t[percent] = token{kind: '@'}
		return t
	}
	if r.appendAt && r.myorigin != "" {
		return append(append(append([]token{}, t...), token{kind: '@'}), scan(r.myorigin)...)
	}
	return t
}

// validHost reports whether a domain is a valid host name.
func validHost(name string) bool {
	size, numeric := 0, true
	for i := 0; i < len(name); i++ {
		c := name[i]
		last := i+1 == len(name)
		switch {
		case c >= '0' && c <= '9':
			size++
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_':
			size++
			numeric = false
		case c == '.':
			if size == 0 || last {
				return false
			}
			size = 0
		case c == '-':
			numeric = false
			if size == 0 || last || name[i+1] == '.' {
				return false
			}
			size++
		default:
			return false
		}
		if size > 63 {
			return false
		}
	}
	return name != "" && !numeric && len(name) <= 255
}

// literalAddr returns the address of a domain literal such as [127.0.0.1] or
// [IPv6:::1].
func literalAddr(domain string) (netip.Addr, bool) {
	inner, ok := strings.CutPrefix(domain, "[")
	if !ok || !strings.HasSuffix(inner, "]") || strings.Count(domain, "]") != 1 {
		return netip.Addr{}, false
	}
	inner = strings.TrimSuffix(inner, "]")
	if len(inner) > 5 && strings.EqualFold(inner[:5], "ipv6:") {
		a, err := netip.ParseAddr(inner[5:])
		return a, err == nil && a.Is6() && a.Zone() == ""
	}
	return dottedQuad(inner)
}

// dottedQuad returns an IPv4 address. A part with a 0 before it is valid, and octal, as
// in inet_aton(3).
func dottedQuad(s string) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return netip.Addr{}, false
	}
	var a [4]byte
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return netip.Addr{}, false
		}
		if len(part) > 1 && part[0] == '0' {
			n, _ = strconv.ParseUint(part, 8, 8)
		}
		a[i] = byte(n)
	}
	return netip.AddrFrom4(a), a[0] != 0 || a == [4]byte{}
}
