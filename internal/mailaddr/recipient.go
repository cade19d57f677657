package mailaddr

import "strings"

// FoldRecipient folds an account, and the domain of an address that mail is
// relayed to, as a promise has them. A file or a program keeps its case, and loses
// the quotes that an alias file may have around it.
func FoldRecipient(r string) string {
	if inner, ok := strings.CutPrefix(r, `"`); ok && strings.HasPrefix(inner, "|") || strings.HasPrefix(inner, "/") {
		return strings.TrimSuffix(inner, `"`)
	}
	local, domain, relayed := Split(r)
	switch {
	case strings.ContainsAny(r, "/|"):
		return r
	case relayed:
		return local + "@" + Lower(domain)
	}
	return Lower(r)
}
