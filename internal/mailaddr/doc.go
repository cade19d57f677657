// Package mailaddr checks addresses and folds them: it returns the one form that
// all other packages use. The form of a domain is lower-case A-labels without a
// final dot. The form of a local part is lower case; at another server a local part
// keeps its case.
//
//	Fake@FakeMail.Example    fake@fakemail.example
//	info@bücher.example.     info@xn--bcher-kva.example
//	Ann@Partner.Example      Ann@partner.example (FoldForeign)
//
// A domain of ASCII characters has letters, digits and hyphens (RFC 1123 2.1, RFC
// 1035 3.1). A domain with other letters or an xn-- label is converted by UTS 46,
// non-transitional, as sendmail does.
//
// A local part has ASCII characters that a key of a virtusertable can have. Others
// are refused because their keys never match: sendmail reads "a!b@d" as a UUCP path
// and "a%b@d" as a route, and puts quotes around blanks and other characters.
package mailaddr

import "strings"

// A Problem describes why a name is refused.
type Problem struct {
	Text string
	Help string // what to write instead; may be empty
}

// Split cuts an address at its last @. Without an @, ok is false.
func Split(addr string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return addr, "", false
	}
	return addr[:at], addr[at+1:], true
}

// Fold returns the form of an address: FoldLocal and FoldDomain of its halves. It
// makes no copy of an address that has this form already.
func Fold(addr string) (string, *Problem) {
	kept, problem := FoldForeign(addr)
	if problem != nil {
		return "", problem
	}
	return Lower(kept), nil
}

// FoldForeign returns the form of an address at another server. The domain is
// folded. The local part keeps its case, because only that server may ignore it
// (RFC 5321 2.4). FoldForeign makes no copy of an address that has this form already.
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
