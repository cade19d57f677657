package lists

import "strings"

// openSMTPD reads a line of a table of virtual addresses (table(5), aliases(5) of OpenSMTPD):
// a key, a blank or a colon, and the targets.
func (r *reader) openSMTPD(l line) {
	end := strings.IndexAny(l.text, ":"+white)
	if end < 0 {
		r.left(l, whyNoTarget)
		return
	}
	key, value := l.text[:end], trim(l.text[end+1:])
	if rest, ok := strings.CutPrefix(value, ": "); ok {
		value = trim(rest)
	}
	switch {
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
