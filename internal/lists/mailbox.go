package lists

import "strings"

// mailbox reads a line of the map of virtual_mailbox_maps, an address alone, or a line of
// accounts with passwords.
func (r *reader) mailbox(l line) {
	if isWhite(l.text[0]) {
		r.left(l, whyNoLine)
		return
	}
	if address := account(l.text); strings.IndexByte(address, '@') >= 0 {
		r.row(l, Mailbox, address, "")
		return
	} else if address != "" {
		r.left(l, whyNoDomain)
		return
	}
	key, value, closed := cut(l.text)
	if !closed {
		r.left(l, whyNoQuote)
		return
	}
	if s := mailboxShape(l.text, key, value); s != nil {
		r.leftAs(l, s)
		return
	}
	switch {
	case isDomain(key):
		r.row(l, Domain, key, "")
	case strings.IndexByte(key, '@') < 0:
		r.countProse(l.text)
		l.text = key + " " + value
		if name, _, ok := strings.Cut(key, ":"); ok {
			l.text = name + ":" + hidden
		}
		r.left(l, whyNoDomain)
	default:
		r.row(l, Mailbox, key, mailboxPath(key, value))
	}
}

const whyNoDomain = "there is no domain in its key"

// mailboxShape returns the foreign shape of a line, or nil.
func mailboxShape(text, key, value string) *shape {
	switch s := lineShape(text, key, value); s {
	case anAlias, aSign, aYAML, aCSVLine, aPattern, aParameter, aTransport:
		return s
	case anAction:
		if value != "OK" {
			return s
		}
	}
	if strings.IndexByte(value, '@') >= 0 && strings.IndexByte(value, '/') < 0 && !strings.EqualFold(key, value) {
		return aForward
	}
	return nil
}

// mailboxPath returns the path of a mailbox. People whose mailboxes another program keeps
// write the address again, or a word that means yes: then there is no path.
func mailboxPath(key, value string) string {
	switch strings.ToLower(value) {
	case "ok", "x", "1", strings.ToLower(key):
		return ""
	}
	return value
}
