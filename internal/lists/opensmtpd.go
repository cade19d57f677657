package lists

import "strings"

// openSMTPD reads a line of a table of virtual addresses (table(5), aliases(5) of OpenSMTPD):
// a key, a blank or a colon, and the targets.
func (r *reader) openSMTPD(l line) {
	key, value := cutMapping(l.text)
	switch {
	case value == "":
		r.left(l, whyNoTarget)
	case isYAML(value):
		r.leftAs(l, aYAML)
	case key == "@":
		r.left(l, "it stands for every name of every domain: list the domains, each with @ before it")
	case !strings.Contains(key, "@"):
		r.left(l, "a name alone stands for the name at every domain: list the addresses")
	case isError(value):
		text := trim(value[len("error:"):])
		if strings.HasPrefix(text, "4") {
			r.row(l, Address, key, refusal(text, "450", "4.2.1", "Mailbox is not available"))
			return
		}
		r.row(l, Address, key, refusal(text, "550", "5.1.1", "User unknown"))
	case strings.Contains(value, ":include:"):
		r.left(l, "the list in the file that it includes is not read: list the members, or put it into the server's aliases")
	default:
		r.address(l, key, targets(value, " ,"))
	}
}

// openSMTPDData reads a line of a table as OpenSMTPD does.
func (r *reader) openSMTPDData(l line) {
	key, value := cutMapping(l.text)
	if value == "" {
		r.left(l, "it has no value, and smtpd does not start with it")
		return
	}
	r.row(l, Address, key, value)
}

// cutMapping cuts a line of a mapping (table(5)). The key ends at a blank or a colon.
func cutMapping(text string) (key, value string) {
	end := strings.IndexAny(text, ":"+white)
	if end < 0 {
		return text, ""
	}
	value = trim(text[end+1:])
	if rest, ok := strings.CutPrefix(value, ": "); ok {
		value = trim(rest)
	}
	return text[:end], value
}

// domainLine reads a line of a list of domains.
func (r *reader) domainLine(l line) {
	key, more, _ := cut(l.text)
	if more != "" || strings.Contains(key, "@") {
		r.left(l, "it is not a domain alone")
		return
	}
	r.row(l, Domain, key, "")
}
