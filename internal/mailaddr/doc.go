// Package mailaddr reads domains and local parts as an inventory writes them
// and gives the one form that everything else works with: a domain in
// lower-case A-labels without a final dot, a local part in lower case, but for
// one at another server.
//
// A plain ASCII domain is held to letters, digits and hyphens by a check of
// our own (RFC 1123 2.1, RFC 1035 3.1); one with other letters or an xn--
// label goes through UTS 46, non-transitional, as sendmail's own conversion
// does. Local parts are ASCII, with the letters that reach a virtusertable
// unharmed: sendmail takes "a!b@d" for a UUCP path and "a%b@d" for a route, and
// needs quotes around blanks and the like, so such keys would never match.
package mailaddr

import "strings"

// A Problem says what is wrong with a name and what to write instead.
type Problem struct {
	Text string
	Help string // may be empty
}

// Split cuts an address at its last @. It reports false when there is none.
func Split(addr string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return addr, "", false
	}
	return addr[:at], addr[at+1:], true
}

// Fold gives the one form of an address: FoldLocal and FoldDomain of its
// halves. An address already in that form is returned as it is.
func Fold(addr string) (string, *Problem) {
	kept, problem := FoldForeign(addr)
	if problem != nil {
		return "", problem
	}
	return Lower(kept), nil
}

// FoldForeign gives the form of an address at another server: the domain is
// folded, and the local part keeps its case, which only that server may ignore
// (RFC 5321 2.4). An address already in that form is returned as it is.
func FoldForeign(addr string) (string, *Problem) {
	local, domain, ok := Split(addr)
	if !ok {
		return "", &Problem{Text: quote(addr) + " has no @"}
	}
	if _, problem := FoldLocal(local); problem != nil {
		return "", problem
	}
	folded, problem := FoldDomain(domain)
	if problem != nil {
		return "", problem
	}
	if folded == domain {
		return addr, nil
	}
	return local + "@" + folded, nil
}
