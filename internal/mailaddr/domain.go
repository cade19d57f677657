package mailaddr

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The longest lengths in bytes (RFC 1035 2.3.4). 253 is 255 without the root and the
// first length byte.
const (
	maxLabel  = 63
	maxDomain = 253
)

// uts46 converts a domain as a sendmail with EAI does (sendmail/domain.c,
// hn2alabel): case and width are folded, and ß is kept.
var uts46 = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(true),
	idna.BidiRule(),
	idna.CheckJoiners(true),
	idna.VerifyDNSLength(false), // checkLabels reports the label that is too long
)

// FoldDomain returns the lower-case A-labels of a domain, without one final dot. It
// makes no copy of a domain that has this form already.
func FoldDomain(name string) (string, *Problem) {
	trimmed := strings.TrimSuffix(name, ".")
	switch {
	case trimmed == "":
		return "", &Problem{Text: "the domain is empty"}
	case strings.HasPrefix(trimmed, "*."):
		return "", &Problem{
			Text: fmt.Sprintf("%s is a wildcard, and mail servers take the * of a name literally", quote(name)),
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

// Unicode returns a domain for people, with the letters of its A-labels. A label that
// cannot be converted stays.
func Unicode(domain string) string {
	text, _ := idna.Punycode.ToUnicode(domain) // with an error it returns the labels that it could convert
	return text
}

// toALabels converts a domain to A-labels. It converts the result again, and refuses
// a domain for which that fails: two programs might read it in different ways.
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

// idnaReason returns the text of an error of package idna.
func idnaReason(err error) string {
	return strings.TrimPrefix(err.Error(), "idna: ")
}

// needsIDNA reports whether a domain has other letters or an xn-- label.
func needsIDNA(name string) bool {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return true
		}
	}
	return strings.HasPrefix(name, "xn--") || strings.Contains(name, ".xn--")
}

// checkLabels checks the labels of a domain. written is the domain for messages.
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

// lowerASCII returns s with A to Z in lower case, as sendmail and makemap do. It makes
// no copy of a string in lower case.
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

// Lower returns s with its ASCII letters in lower case.
func Lower(s string) string { return lowerASCII(s) }

// quote returns a name in quotes for a message, and cuts a long one.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:77]) + "..."
	}
	return strconv.Quote(s)
}
