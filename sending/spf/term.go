package spf

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/mailaddr"
)

// mechanisms are the names of all mechanisms (RFC 7208 5).
var mechanisms = []string{"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"}

func isMechanism(name string) bool { return slices.Contains(mechanisms, name) }

// A mistake says why a term is wrong, and what would be right.
type mistake struct{ text, help string }

func wrong(help, format string, args ...any) *mistake {
	return &mistake{fmt.Sprintf(format, args...), help}
}

// fix returns the term that would be right, or an empty text.
func (m *mistake) fix() string {
	term, ok := strings.CutPrefix(m.help, "write ")
	if !ok || strings.Contains(term, " ") {
		return ""
	}
	t, again := parseTerm(term)
	if again != nil || len(new(Record).misplaced(&t)) > 0 {
		return ""
	}
	return term
}

var qualifiers = map[byte]Result{'+': Pass, '-': Fail, '~': SoftFail, '?': Neutral}

// parseTerm reads one term.
func parseTerm(text string) (Term, *mistake) {
	t := Term{Text: text, Result: Pass, length4: 32, length6: 128}
	if at := strings.IndexFunc(text, func(r rune) bool { return r < '!' || r > '~' }); at >= 0 {
		return t, wrong("terms are separated by spaces, and have visible ASCII characters only; is it pasted from a web page?",
			"it has the character %+q", []rune(text[at:])[0])
	}
	body := text
	if q, ok := qualifiers[text[0]]; ok {
		t.Result, body = q, text[1:]
	}
	switch name, ok := isModifier(body); {
	case ok && body != text:
		return t, wrong("write "+body, "a modifier such as %s= takes no %c in front", name, text[0])
	case ok:
		return t.readModifier(name)
	}
	name := body
	if at := strings.IndexAny(body, ":/"); at >= 0 {
		name = body[:at]
	}
	t.Name = mailaddr.Lower(name)
	if !isMechanism(t.Name) {
		return t, unknownMechanism(t.sign(), t.Name, body)
	}
	return t.readMechanism(body[len(name):])
}

// misspelled are names that people write for those of mechanisms and modifiers.
var misspelled = map[string]string{
	"ip": "ip4:", "ipv4": "ip4:", "ip4v": "ip4:", "ipv6": "ip6:", "ip6v": "ip6:", "incl": "include:", "includes": "include:", "inlude": "include:", "inculde": "include:",
	"redirect": "redirect=", "exp": "exp=", "exist": "exists:", "host": "a:", "txt": "include:",
}

func unknownMechanism(sign, name, body string) *mistake {
	rest := strings.TrimLeft(body[len(name):], ":")
	if right, ok := misspelled[name]; ok && rest != "" {
		if strings.HasSuffix(right, "=") {
			sign = ""
		}
		return wrong("write "+sign+right+rest, "there is no mechanism %q", name)
	}
	if addr, err := netip.ParseAddr(body); err == nil {
		return wrong("write "+sign+network(addr), "an address has the name of a mechanism in front")
	}
	if prefix, err := netip.ParsePrefix(body); err == nil {
		return wrong("write "+sign+network(prefix.Addr())+fmt.Sprintf("/%d", prefix.Bits()), "a network has the name of a mechanism in front")
	}
	switch {
	case body == "":
		return wrong("write -all at the end of the record", "a qualifier has no mechanism behind it")
	case strings.Contains(body, "."):
		return wrong("write a:"+body+", or include:"+body+" for its SPF record", "it is no mechanism; a name has one in front")
	}
	return wrong("the mechanisms are "+strings.Join(mechanisms, ", "), "there is no mechanism %q", name)
}

func network(addr netip.Addr) string {
	if addr.Is4() {
		return "ip4:" + addr.String()
	}
	return "ip6:" + addr.String()
}

// readModifier reads a modifier (RFC 7208 6).
func (t Term) readModifier(name string) (Term, *mistake) {
	t.Name, t.Modifier = name, true
	value := t.Text[len(name)+1:]
	if !isName(name) {
		return t, wrong("", "the name of a modifier begins with a letter, and has letters, digits and - _ . only")
	}
	var problem *mistake
	if name == "redirect" || name == "exp" {
		t.domain, problem = parseDomain(value)
	} else {
		t.domain, problem = parseMacros(value, inDomains)
	}
	return t, problem
}

// isName reports whether a name is one of a modifier: ALPHA *(ALPHA / DIGIT / "-" / "_" /
// ".") (RFC 7208 12). The name is in lower case.
func isName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z':
		case i > 0 && (isDigit(c) || c == '-' || c == '_' || c == '.'):
		default:
			return false
		}
	}
	return name != ""
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// readMechanism reads what stands behind the name of a mechanism (RFC 7208 5).
func (t Term) readMechanism(rest string) (Term, *mistake) {
	var problem *mistake
	switch t.Name {
	case "all":
		if rest != "" {
			return t, wrong("write "+strings.TrimSuffix(t.Text, rest), "nothing stands behind all")
		}
		return t, nil
	case "ip4", "ip6":
		return t.readNetwork(rest)
	case "a", "mx":
		if rest, problem = t.readLengths(rest); problem != nil {
			return t, problem
		}
	}
	switch {
	case rest == "" && (t.Name == "include" || t.Name == "exists"):
		return t, wrong("as in "+t.Name+":relay.example", "%s needs a domain", t.Name)
	case rest == "":
		return t, nil
	case rest[0] != ':':
		return t, wrong("", "%q cannot stand behind %s", rest, t.Name)
	}
	t.explicit = true
	t.domain, problem = parseDomain(rest[1:])
	return t, problem
}

// readNetwork reads ":", an address and the length of a prefix.
func (t Term) readNetwork(rest string) (Term, *mistake) {
	text, colon := strings.CutPrefix(rest, ":")
	text, length, sliced := strings.Cut(text, "/")
	if !colon || text == "" {
		return t, wrong("", "%s needs an address, as in %s", t.Name, map[string]string{"ip4": "ip4:192.0.2.25", "ip6": "ip6:2001:db8::25"}[t.Name])
	}
	addr, err := netip.ParseAddr(text)
	switch {
	case err != nil || addr.Zone() != "":
		return t, wrong("", "%q is no address", text)
	case addr.Is4() != (t.Name == "ip4"):
		return t, wrong("write "+t.sign()+network(addr)+rest[1+len(text):], "%s is no address of %s", text, t.Name)
	case !sliced:
		t.Network = netip.PrefixFrom(addr, addr.BitLen())
		return t, nil
	}
	bits, problem := parseLength(length, addr.BitLen())
	t.Network = netip.PrefixFrom(addr, bits)
	return t, problem
}

// sign returns the qualifier of a term as it is in the record.
func (t *Term) sign() string {
	if _, ok := qualifiers[t.Text[0]]; ok {
		return t.Text[:1]
	}
	return ""
}

// readLengths reads the lengths of prefixes at the end of a and mx, such as /24, //64 or
// /24//64, and returns the text in front of them.
func (t *Term) readLengths(rest string) (before string, problem *mistake) {
	if at := strings.LastIndex(rest, "//"); at >= 0 && isLength(rest[at+2:]) {
		if t.length6, problem = parseLength(rest[at+2:], 128); problem != nil {
			return "", problem
		}
		rest = rest[:at]
	}
	if at := strings.LastIndexByte(rest, '/'); at >= 0 && isLength(rest[at+1:]) {
		if t.length4, problem = parseLength(rest[at+1:], 32); problem != nil {
			return "", problem
		}
		rest = rest[:at]
	}
	return rest, nil
}

// isLength reports whether a text can only be meant as the length of a prefix.
func isLength(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '-' }) < 0
}

// parseLength reads the length of a prefix, without a zero in front (RFC 7208 12).
func parseLength(text string, most int) (int, *mistake) {
	n, err := strconv.ParseUint(text, 10, 8)
	switch {
	case text == "":
		return 0, wrong("", "a number is missing behind /")
	case err != nil || int(n) > most:
		return 0, wrong(fmt.Sprintf("it is 0 to %d", most), "/%s is no length of a network", text)
	case len(text) > 1 && text[0] == '0':
		return 0, wrong(fmt.Sprintf("write /%d", n), "/%s has a zero in front", text)
	}
	return int(n), nil
}
