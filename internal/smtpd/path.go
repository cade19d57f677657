package smtpd

import (
	"net/netip"
	"strings"
)

// Limits in bytes (RFC 5321 section 4.5.3.1).
const (
	maxLocalPart = 64
	maxDomain    = 255
)

// wrongSyntax begins the reply to a command without an address.
const wrongSyntax = "The syntax is "

// cutPath parses "FROM:<path> parameters", and "TO:" likewise. It returns the
// mailbox of the path without a source route. bad describes a syntax error.
func cutPath(args, keyword string) (mailbox string, params []string, bad string) {
	if len(args) < len(keyword) || !strings.EqualFold(args[:len(keyword)], keyword) {
		return "", nil, wrongSyntax + keyword + "<address>"
	}
	rest := strings.TrimLeft(args[len(keyword):], " ")
	if rest == "" || rest[0] != '<' {
		return "", nil, "An address stands in angle brackets"
	}
	end := pathEnd(rest)
	if end < 0 || end+1 < len(rest) && rest[end+1] != ' ' {
		return "", nil, "An address ends in > and a blank"
	}
	mailbox, params = rest[1:end], strings.Fields(rest[end+1:])
	if mailbox == "" {
		return "", params, ""
	}
	if mailbox[0] == '@' {
		route, behind, ok := strings.Cut(mailbox, ":")
		if !ok || !isRoute(route) {
			return "", nil, "The source route is malformed"
		}
		mailbox = behind
	}
	return mailbox, params, badMailbox(mailbox, keyword)
}

// pathEnd returns the offset where a path ends: of the first > outside quotes.
func pathEnd(text string) int {
	quoted := false
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == '>' && !quoted:
			return i
		}
	}
	return -1
}

// badPath returns the reply to a path with a syntax error. status is that of the
// command.
func badPath(bad, status string) string {
	if strings.HasPrefix(bad, wrongSyntax) {
		status = "5.5.4"
	}
	return "501 " + status + " " + bad
}

// isRoute reports whether a text is a source route: @a.example,@b.example.
func isRoute(route string) bool {
	for hop := range strings.SplitSeq(route, ",") {
		name, ok := strings.CutPrefix(hop, "@")
		if !ok || !isDomain(name) {
			return false
		}
	}
	return true
}

// badMailbox checks a mailbox by the grammar of RFC 5321 section 4.1.2, and
// describes a syntax error.
func badMailbox(mailbox, keyword string) string {
	at := strings.LastIndexByte(mailbox, '@')
	if at < 0 {
		if keyword == "TO:" && strings.EqualFold(mailbox, "postmaster") {
			return "" // section 4.5.1
		}
		return "An address is local-part@domain"
	}
	local, domain := mailbox[:at], mailbox[at+1:]
	switch {
	case len(local) > maxLocalPart:
		return "The local part is too long"
	case len(domain) > maxDomain:
		return "The domain is too long"
	case !isLocalPart(local) || strings.Contains(local, "\t"):
		return "The local part is malformed"
	case !isDomain(strings.TrimSuffix(domain, ".")) && !isLiteral(domain):
		return "The domain is malformed"
	}
	return ""
}

func isLocalPart(local string) bool {
	if strings.HasPrefix(local, `"`) {
		return isQuoted(local)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(c rune) bool { return !isAtext(c) }) {
			return false
		}
	}
	return true
}

func isQuoted(local string) bool {
	if len(local) < 2 || local[len(local)-1] != '"' {
		return false
	}
	inner := local[1 : len(local)-1]
	for i := 0; i < len(inner); i++ {
		switch inner[i] {
		case '"':
			return false
		case '\\':
			if i++; i == len(inner) {
				return false
			}
		}
	}
	return true
}

func isAtext(c rune) bool {
	return c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", c)
}

func isDomain(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, func(c rune) bool { return !isLabelChar(c) }) {
			return false
		}
	}
	return true
}

func isLabelChar(c rune) bool {
	return c >= 0x80 || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// isLiteral reports whether a domain is an address literal: [192.0.2.1] or
// [IPv6:2001:db8::1].
func isLiteral(domain string) bool {
	if len(domain) < 3 || domain[0] != '[' || domain[len(domain)-1] != ']' {
		return false
	}
	text := domain[1 : len(domain)-1]
	if len(text) > 5 && strings.EqualFold(text[:5], "IPv6:") {
		ip, err := netip.ParseAddr(text[5:])
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	ip, err := netip.ParseAddr(text)
	return err == nil && ip.Is4()
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c >= 0x80 })
}
