package mailaddr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLocal is the longest local part in bytes (RFC 5321 4.5.3.1.1).
const maxLocal = 64

// localChars are the characters of a local part beside letters and digits: the atext
// of RFC 5321 and the dot, without the quote ` of m4, and without ! (UUCP) and %
// (route), which sendmail rewrites before it looks an address up.
const localChars = ".#$&'*+-/=?^_{|}~"

// FoldLocal returns a local part in lower case. It makes no copy of a local part in
// lower case.
func FoldLocal(local string) (string, *Problem) {
	switch {
	case local == "":
		return "", &Problem{Text: "there is nothing before the @"}
	case len(local) > maxLocal:
		return "", &Problem{Text: fmt.Sprintf("the part before the @ has %d characters; %d are allowed (RFC 5321 4.5.3.1.1)", len(local), maxLocal)}
	case strings.IndexByte("#/|", local[0]) >= 0:
		return "", &Problem{
			Text: fmt.Sprintf("%s begins with %q, which means a comment, a file or a program to sendmail", quote(local), local[0]),
			Help: "begin with a letter or a digit",
		}
	}
	folded := lowerASCII(local)
	for i := range len(folded) {
		if c := folded[i]; !isLetterOrDigit(c) && strings.IndexByte(localChars, c) < 0 {
			return "", badLocal(local, i)
		}
	}
	return folded, nil
}

// badLocal describes a character that a local part must not have.
func badLocal(local string, at int) *Problem {
	r, _ := utf8.DecodeRuneInString(local[at:])
	p := &Problem{Text: fmt.Sprintf("%s has %s in it", quote(local), strconv.QuoteRune(r))}
	switch {
	case r == '%' || r == '!':
		p.Text += ", which sendmail takes for a route before it looks the address up"
		p.Help = "such an address can never match; leave it out"
	case r >= utf8.RuneSelf:
		p.Text += "; local parts are ASCII here (RFC 6531 is not supported)"
		p.Help = "write the address in ASCII letters"
	case r == '"':
		p.Text += "; quoted local parts are not supported"
		p.Help = "write the address without quotes"
	default:
		p.Help = "letters, digits and " + strings.Join(strings.Split(localChars, ""), " ") + " are allowed"
	}
	return p
}

// CutDetail divides a local part before its detail: the first plus that is not its first
// character. plus is the detail with its plus; empty: there is no detail.
func CutDetail(local string) (user, plus string) {
	if at := strings.IndexByte(local[min(1, len(local)):], '+') + 1; at > 0 {
		return local[:at], local[at:]
	}
	return local, ""
}
