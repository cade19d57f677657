package route

import (
	"slices"
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// accepted returns the ends of mail for the recipient of a session with the reply 250.
func (w *walk) accepted(s *session) []string {
	if s.discards || s.holds {
		return nil
	}
	given := append([]string{s.address}, s.bcc...)
	var all []string
	for _, addr := range given {
		list, ok := w.cleanup(addr)
		if !ok {
			return nil
		}
		all = append(all, list...)
	}
	if s.redirect != "" {
		all = []string{w.r.canonical(s.redirect)}
	}
	var ends []string
	seen := map[string]bool{}
	for _, addr := range all {
		if len(all) > 1 && seen[addr] {
			continue
		}
		seen[addr] = true
		ends = append(ends, w.deliver(addr, nil)...)
	}
	return ends
}

// cleanup returns the recipients into which cleanup(8) expands an address in internal
// form. ok is false if cleanup(8) refuses the message.
func (w *walk) cleanup(addr string) (list []string, ok bool) {
	r := w.r
	if addr == "" {
		addr = r.emptyAddress
	}
	addr = r.canonical(addr)
	if !r.mapsAddresses {
		return []string{addr}, true
	}
	if r.recipientCanonicalRecipients {
		if addr, ok = w.canonicalMap(r.recipientCanonicalMaps, addr); !ok {
			return nil, false
		}
	}
	if r.canonicalRecipients {
		if addr, ok = w.canonicalMap(r.canonicalMaps, addr); !ok {
			return nil, false
		}
	}
	return w.expand(addr)
}

// canonicalMap applies a table of canonical(5) until nothing changes, but at most ten
// times.
func (w *walk) canonicalMap(m *maps, addr string) (string, bool) {
	for range 10 {
		list, found, err := w.mapped(m, addr, w.r.propagate["canonical"])
		if err != nil {
			return "", false
		}
		if !found {
			return addr, true
		}
		same := table.Fold(list[0]) == table.Fold(addr)
		addr = list[0]
		if same {
			return addr, true
		}
	}
	return addr, true
}

// expand applies virtual_alias_maps (virtual(5)) until nothing changes. ok is false
// behind a limit, for a chain without an end and for a table that cannot be read.
func (w *walk) expand(addr string) (list []string, ok bool) {
	r := w.r
	list = []string{addr}
	if len(r.virtualMaps.list) == 0 {
		return list, true
	}
	var done []string // folded: addresses that lead to themselves, which are left as they are
	been := func(addr string) bool { return len(done) > 0 && slices.Contains(done, table.Fold(addr)) }
	for i := 0; i < len(list); i++ {
		if len(list) > r.expansionLimit {
			return nil, false
		}
		for count := 0; !been(list[i]); count++ {
			if count >= r.recursionLimit {
				return nil, false
			}
			from := list[i]
			found, hit, err := w.mapped(r.virtualMaps, from, r.propagate["virtual"])
			if err != nil {
				return nil, false
			}
			if !hit {
				break
			}
			for j, to := range found {
				if len(to) > r.lengthLimit {
					return nil, false
				}
				if j == 0 {
					list[i] = to
				} else {
					list = append(list, to)
				}
				if table.Fold(from) == table.Fold(to) {
					done = append(done, table.Fold(from))
				}
			}
		}
	}
	return list, true
}

// mapped looks an address up and returns the addresses of the row, completed and with
// the detail that the key does not have. A row @domain keeps the local part.
func (w *walk) mapped(m *maps, addr string, propagate bool) (list []string, found bool, err error) {
	value, detail, found, err := w.look(m, addr, asAlias)
	if !found || err != nil {
		return nil, false, err
	}
	if strings.HasPrefix(value, "@") {
		local := addr
		if at := strings.LastIndexByte(addr, '@'); at >= 0 {
			local = addr[:at]
		}
		value = quote(strings.TrimSuffix(local, detail)+value, false)
	}
	if !propagate {
		detail = ""
	}
	list = w.r.addresses822(value, detail)
	if len(list) == 0 {
		return nil, false, errLookup
	}
	return list, true, nil
}

// addresses822 returns the addresses of a list, completed, in internal form, each with
// a detail.
func (r *Router) addresses822(value, detail string) (list []string) {
	if value == "" || value == "<>" {
		value = `""`
	}
	add := func(addr string) {
		if detail != "" {
			if at := strings.LastIndexByte(addr, '@'); at >= 0 {
				addr = addr[:at] + detail + addr[at:]
			} else {
				addr += detail
			}
		}
		list = append(list, addr)
	}
	for item := range strings.SplitSeq(value, ",") {
		whole, ok := r.quick(strings.Trim(item, " \t"))
		if !ok {
			list = nil
			break
		}
		add(whole)
	}
	if list != nil {
		return list
	}
	addrs, _ := parse(value)
	for _, t := range addrs {
		add(unquote(r.canonicalExternal(external(t))))
	}
	return list
}

// external returns tokens as they would stand in a list.
func external(tokens []token) string {
	var b strings.Builder
	for _, t := range tokens {
		switch t.kind {
		case quoted:
			b.WriteString(`"` + escaped(t.text, "\"\\\r\n") + `"`)
		case literal:
			b.WriteString("[" + escaped(t.text, "\\\r\n") + "]")
		default:
			b.WriteString(plain([]token{t}, false))
		}
	}
	return b.String()
}

func escaped(s, signs string) string {
	if !strings.ContainsAny(s, signs) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(signs, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
