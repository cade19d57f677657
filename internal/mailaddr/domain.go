package mailaddr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Lengths in bytes (RFC 1035 2.3.4; 253 is 255 without the root and the first
// length byte).
const (
	maxLabel  = 63
	maxDomain = 253
)

// uts46 converts as sendmail's EAI build does (sendmail/domain.c, hn2alabel):
// lower case and width folded, ß kept.
var uts46 = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.VerifyDNSLength(false), // FoldDomain says which label is too long
)

// FoldDomain gives the lower-case A-labels of a domain. One final dot is
// taken off. A name already in that form is returned as it is.
func FoldDomain(name string) (string, *Problem) {
	trimmed := strings.TrimSuffix(name, ".")
	switch {
	case trimmed == "":
		return "", &Problem{Text: "the domain is empty"}
	case strings.HasPrefix(trimmed, "*."):
		return "", &Problem{
			Text: fmt.Sprintf("%s is a wildcard, and sendmail takes the * of a name literally", quote(name)),
			Help: "list every domain by its name",
		}
	case strings.Contains(trimmed, "://"):
		return "", &Problem{
			Text: fmt.Sprintf("%s is a URL, not a domain", quote(name)),
			Help: "write only the name of the host, such as fakemail.example",
		}
	case strings.HasPrefix(trimmed, "["):
		return "", &Problem{
			Text: fmt.Sprintf("%s is an address literal, not a domain", quote(name)),
			Help: "write a name such as fakemail.example",
		}
	}
	folded := lowerASCII(trimmed)
	if needsIDNA(folded) {
		converted, err := toALabels(trimmed)
		if err != nil {
			return "", &Problem{Text: fmt.Sprintf("%s is not a valid internationalized domain (UTS 46): %s", quote(name), idnaReason(err))}
		}
		folded = converted
	}
	if problem := checkLabels(name, folded); problem != nil {
		return "", problem
	}
	return folded, nil
}

// Unicode gives a domain as people read it, its A-labels turned into letters;
// a label that cannot be turned stays.
func Unicode(domain string) string {
	text, _ := idna.Punycode.ToUnicode(domain) // what could be turned is there beside the error
	return text
}

// toALabels converts twice: a result that does not convert to itself is not
// a name that two programs would agree on.
func toALabels(name string) (string, error) {
	if !utf8.ValidString(name) {
		return "", errors.New("invalid UTF-8")
	}
	converted, err := uts46.ToASCII(name)
	if err != nil {
		return "", err
	}
	return uts46.ToASCII(converted)
}

func idnaReason(err error) string {
	return strings.TrimPrefix(err.Error(), "idna: ")
}

func needsIDNA(name string) bool {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return true
		}
	}
	return strings.HasPrefix(name, "xn--") || strings.Contains(name, ".xn--")
}

func checkLabels(written, name string) *Problem {
	if len(name) > maxDomain {
		return &Problem{Text: fmt.Sprintf("the domain has %d characters; %d are allowed (RFC 1035 2.3.4)", len(name), maxDomain)}
	}
	last := ""
	for label := range strings.SplitSeq(name, ".") {
		if problem := checkLabel(written, label); problem != nil {
			return problem
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return &Problem{
			Text: fmt.Sprintf("%s ends in a number, as an IP address does; no domain does", quote(written)),
			Help: "write a name such as fakemail.example",
		}
	}
	return nil
}

func checkLabel(written, label string) *Problem {
	switch {
	case label == "":
		return &Problem{Text: fmt.Sprintf("%s has an empty label", quote(written)), Help: "one dot between labels, none in front"}
	case len(label) > maxLabel:
		return &Problem{Text: fmt.Sprintf("a label of %s has %d characters; %d are allowed (RFC 1035 2.3.4)", quote(written), len(label), maxLabel)}
	case label[0] == '-' || label[len(label)-1] == '-':
		return &Problem{Text: fmt.Sprintf("label %s of %s begins or ends with a hyphen (RFC 1123 2.1)", quote(label), quote(written))}
	}
	for i := range len(label) {
		if c := label[i]; !isLetterOrDigit(c) && c != '-' {
			return &Problem{
				Text: fmt.Sprintf("%s has %s in it", quote(written), strconv.QuoteRune(rune(c))),
				Help: "a domain is made of letters, digits, hyphens and dots (RFC 1123 2.1)",
			}
		}
	}
	return nil
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}

// lowerASCII folds A to Z, as sendmail and makemap do; a string already in
// lower case is returned as it is, without a copy.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// Lower folds the ASCII letters of s and leaves all else alone.
func Lower(s string) string { return lowerASCII(s) }

// quote shortens a long name for a message.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:77]) + "..."
	}
	return strconv.Quote(s)
}
