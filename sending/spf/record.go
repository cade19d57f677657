package spf

import (
	"fmt"
	"net/netip"
	"strings"

	"virtmap/internal/mailaddr"
)

// version is the version section of a record (RFC 7208 4.5).
const version = "v=spf1"

// IsRecord reports whether the text of a TXT record is an SPF record: it has the version
// section, with a space or nothing behind it (RFC 7208 4.5).
func IsRecord(text string) bool {
	if len(text) < len(version) || !strings.EqualFold(text[:len(version)], version) {
		return false
	}
	return len(text) == len(version) || text[len(version)] == ' '
}

// A Record is an SPF record.
type Record struct {
	Text  string
	Terms []Term // in the order of the text; without those that have a fatal fault
}

// A Term is a mechanism or a modifier of a record.
type Term struct {
	Text     string // as it is in the record
	Offset   int    // octets before it in the record
	Name     string // in lower case: "all", "include", "a", … or the name of a modifier
	Modifier bool
	Result   Result       // of a mechanism: the result when it matches
	Network  netip.Prefix // of ip4 and ip6

	domain   macros // the domain-spec, or the value of a modifier; nil: none
	length4  int    // of a and mx: the length of the prefix of IPv4 addresses
	length6  int    // likewise for IPv6
	explicit bool   // a colon and a domain-spec stand behind the name
}

// AsksDNS reports whether a term counts as one of the 10 lookups of a record (RFC 7208
// 4.6.4).
func (t *Term) AsksDNS() bool {
	if t.Modifier {
		return t.Name == "redirect"
	}
	switch t.Name {
	case "include", "a", "mx", "ptr", "exists":
		return true
	}
	return false
}

// Term returns the first term with a name, or nil.
func (r *Record) Term(name string) *Term {
	for i := range r.Terms {
		if r.Terms[i].Name == name {
			return &r.Terms[i]
		}
	}
	return nil
}

// A Fault is a mistake in a record.
type Fault struct {
	Term   string // as it is in the record; empty: the record as a whole
	Offset int    // octets before the term
	Text   string // why it is a mistake, without a full stop
	Help   string // what would be right; may be empty
	Fix    string // the term that would be right, if there is only one; may be empty
	Fatal  bool   // receivers answer permerror, whatever the address is
}

// Parse reads an SPF record, and returns its mistakes in the order of their places.
func Parse(text string) (Record, []Fault) {
	r := Record{Text: text}
	if !IsRecord(text) {
		return r, []Fault{{Text: `it does not begin with "v=spf1" and a space`, Fatal: true}}
	}
	var faults []Fault
	for at := len(version); at < len(text); {
		if text[at] == ' ' {
			at++
			continue
		}
		end := at + len(text[at:])
		if i := strings.IndexByte(text[at:], ' '); i >= 0 {
			end = at + i
		}
		term, fault := parseTerm(text[at:end])
		if fault != nil {
			faults = append(faults, Fault{Term: text[at:end], Offset: at, Text: fault.text, Help: fault.help, Fix: fault.fix(), Fatal: true})
		} else {
			term.Offset = at
			faults = append(faults, r.misplaced(&term)...)
			r.Terms = append(r.Terms, term)
		}
		at = end
	}
	return r, faults
}

// misplaced returns the faults of a good term at its place behind the terms of a record.
func (r *Record) misplaced(t *Term) []Fault {
	fault := func(fatal bool, text, help string) []Fault {
		return []Fault{{Term: t.Text, Offset: t.Offset, Text: text, Help: help, Fatal: fatal}}
	}
	switch {
	case t.Modifier && (t.Name == "redirect" || t.Name == "exp"):
		if r.modifier(t.Name) != nil {
			return fault(true, t.Name+"= is there twice (RFC 7208 6)", "keep one of them")
		}
	case t.Modifier && t.Name == "v":
		return fault(false, "a second record begins within the record; its version is ignored", "publish one record with all terms")
	case t.Modifier && isMechanism(t.Name):
		return fault(false, "with = it is an unknown modifier, which receivers ignore", "write "+t.Name+":"+t.Text[len(t.Name)+1:])
	case !t.Modifier && r.mechanism("all") != nil:
		return fault(false, "it stands behind all, where nothing is looked at (RFC 7208 5.1)", "move it in front of all")
	}
	named := !t.Modifier || t.Name == "redirect" || t.Name == "exp"
	if name := t.domain.literal(); named && name != "" && !isAskable(strings.TrimSuffix(name, ".")) {
		return fault(false, fmt.Sprintf("the DNS has no name such as %q, and it never matches", name), "the parts of a name have 1 to 63 characters")
	}
	return r.pointless(t)
}

// pointless returns the fault of a redirect beside all, which is never used (RFC 7208
// 5.1).
func (r *Record) pointless(t *Term) []Fault {
	redirect := r.modifier("redirect")
	switch {
	case t.Modifier && t.Name == "redirect" && r.mechanism("all") != nil:
		redirect = t
	case t.Modifier || t.Name != "all":
		return nil
	}
	if redirect == nil {
		return nil
	}
	return []Fault{{Term: redirect.Text, Offset: redirect.Offset, Text: "it is never used, because the record has all (RFC 7208 5.1)", Help: "keep one of the two"}}
}

func (r *Record) modifier(name string) *Term {
	for i := range r.Terms {
		if r.Terms[i].Modifier && r.Terms[i].Name == name {
			return &r.Terms[i]
		}
	}
	return nil
}

func (r *Record) mechanism(name string) *Term {
	for i := range r.Terms {
		if !r.Terms[i].Modifier && r.Terms[i].Name == name {
			return &r.Terms[i]
		}
	}
	return nil
}

// isModifier reports whether a term is a modifier, and returns its name: "=" stands
// behind the name and before any ":" or "/" (RFC 7208 4.6.1).
func isModifier(term string) (name string, ok bool) {
	at := strings.IndexAny(term, "=:/%")
	if at < 0 || term[at] != '=' {
		return "", false
	}
	return mailaddr.Lower(term[:at]), true
}
