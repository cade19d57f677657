package route

import (
	"strings"

	"virtmap/internal/mta/postfix/table"
)

// A source is an open table with the name that steps have.
type source struct {
	*table.Table
	short string
}

// maps are the tables of a parameter, in their order.
type maps struct {
	param  string
	set    bool // the parameter is not empty
	unread bool // a table is left out
	list   []*source
}

// find looks a key up. part says that the key is a part of an address, with which only
// indexed tables are asked.
func (m *maps) find(w *walk, key string, part bool) (value string, ok bool, err error) {
	if key == "" {
		return "", false, nil
	}
	for _, s := range m.list {
		if part && !s.Indexed {
			continue
		}
		value, ok, err := w.ask(s, key)
		if ok && value == "" {
			return "", false, errEmpty
		}
		if ok || err != nil {
			return value, ok, err
		}
	}
	return "", false, nil
}

// A way says which keys of an address are tried.
type way int

const (
	bareLocal   way = 1 << iota // user at a local domain
	atDomain                    // @domain
	domainAlone                 // domain, and those above it
	dotted                      // those above it as .domain
	userAt                      // user@
	both                        // a key that needs quotes also without them
)

const (
	asAlias     = bareLocal | atDomain        // virtual(5), canonical(5)
	asKnown     = bareLocal | atDomain | both // recipient tables, relocated(5)
	asAccess    = domainAlone | userAt | both // access(5)
	asTransport = domainAlone | both          // transport(5)
)

// keyed looks an address in internal form up with one key.
func (m *maps) keyed(w *walk, key string, part, bare bool, how way) (string, bool, error) {
	ext := quote(key, bare)
	value, ok, err := m.find(w, ext, part)
	if ok || err != nil || how&both == 0 || ext == key {
		return value, ok, err
	}
	return m.find(w, key, part)
}

// look looks an address in internal form up: with its detail, without it, and with the
// other keys of how. ext is the detail, with its delimiter, that the key of the row
// does not have.
func (w *walk) look(m *maps, addr string, how way) (value, ext string, ok bool, err error) {
	if len(m.list) == 0 {
		return "", "", false, nil
	}
	at := strings.LastIndexByte(addr, '@')
	local, domain := addr, ""
	if at >= 0 {
		local, domain = addr[:at], addr[at:]
	}
	user, detail := w.r.cut(local)
	try := func(key string, part, bare bool) bool {
		if err == nil && !ok {
			value, ok, err = m.keyed(w, key, part, bare, how)
		}
		return ok
	}
	// pair tries a key with the detail and without it.
	pair := func(behind string, first, bare bool) {
		whole := addr
		if !first {
			whole = local + behind
		}
		if try(whole, !first, bare) || detail == "" {
			return
		}
		if try(user+behind, true, bare) {
			ext = detail
		}
	}
	pair(domain, true, false)
	if at < 0 {
		return value, ext, ok, err
	}
	if !ok && err == nil && how&bareLocal != 0 {
		ours := strings.EqualFold(domain[1:], w.r.myorigin)
		if !ours {
			ours, err = w.r.isLocal(w, domain[1:])
		}
		if ours && err == nil {
			pair("", false, true)
		}
	}
	if !ok && err == nil && how&atDomain != 0 {
		value, ok, err = m.find(w, domain, true)
	}
	if how&domainAlone != 0 {
		for name := domain[1:]; name != "" && !ok && err == nil; {
			value, ok, err = m.find(w, name, true)
			dot := strings.IndexByte(name[1:], '.')
			if dot < 0 {
				break
			}
			if name = name[1+dot:]; how&dotted == 0 {
				name = name[1:]
			}
		}
	}
	if how&userAt != 0 && !ok && err == nil {
		pair("@", false, false)
	}
	return value, ext, ok, err
}

// cut cuts a local part before its detail. The detail keeps its delimiter; it is empty
// if the local part is not cut.
func (r *Router) cut(local string) (user, detail string) {
	if r.delimiters == "" {
		return local, ""
	}
	i := strings.IndexAny(local, r.delimiters)
	if i <= 0 {
		return local, ""
	}
	switch {
	case strings.EqualFold(local, "postmaster"), strings.EqualFold(local, "mailer-daemon"), strings.EqualFold(local, r.doubleBounce):
		return local, ""
	case r.ownerSpecial && strings.Contains(r.delimiters, "-"):
		folded := strings.ToLower(local)
		if strings.HasPrefix(folded, "owner-") || strings.HasSuffix(folded, "-request") && folded != "-request" {
			return local, ""
		}
	}
	return local[:i], local[i:]
}
