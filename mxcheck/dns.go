package mxcheck

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Type is a type of DNS records, with its number in packets.
type Type uint16

// The types that the rules need, here and in package sending.
const (
	TypeA     Type = 1
	TypeNS    Type = 2
	TypeCNAME Type = 5
	TypeSOA   Type = 6
	TypePTR   Type = 12
	TypeMX    Type = 15
	TypeTXT   Type = 16
	TypeAAAA  Type = 28
	TypeTLSA  Type = 52
)

var typeNames = map[Type]string{
	TypeA: "A", TypeNS: "NS", TypeCNAME: "CNAME", TypeSOA: "SOA", TypePTR: "PTR", TypeMX: "MX", TypeTXT: "TXT", TypeAAAA: "AAAA", TypeTLSA: "TLSA",
}

func (t Type) String() string { return typeNames[t] }

// A Question is a question for the records of a name. A name is of lower-case
// A-labels and has no final dot; "." is the root.
type Question struct {
	Name string
	Type Type

	// Second asks for a second opinion: over TCP, and of another server than
	// First, if there are several.
	Second bool
	First  string // the server that gave the first opinion
}

// A Resolver answers questions, from the network or from files. Ask returns when
// there is an answer, when all tries have failed, or when ctx ends. Without an
// answer it returns an Answer with a Failure. Several goroutines may call Ask.
type Resolver interface {
	Ask(ctx context.Context, q Question) Answer
}

// An Answer is the answer of the DNS to one question.
type Answer struct {
	Failure ID     // why there is no answer; empty when there is one
	Detail  string // of a failure: the server and its words

	NoName  bool     // the name at the end of the aliases does not exist (NXDOMAIN)
	Aliases []Record // CNAME records, from the name in the question to the last
	Records []Record // records of the type in the question, in the order of the answer
	Proof   *Proof   // of an answer without records (RFC 2308)

	Validated     bool   // the resolver says that DNSSEC proves it (AD, RFC 4035 3.2.3); only in answers for TLSA records
	Authoritative bool   // the times to live are whole, not the rest that a cache has left
	Stale         bool   // it is older than its time to live (RFC 8767)
	Server        string // the server that gave it
}

// A Proof is the SOA record that comes with a negative answer.
type Proof struct {
	Zone string
	TTL  uint32 // seconds that the answer may be kept
}

// End returns the name that the records of an answer belong to: the name in the
// question, or the end of its aliases.
func (a *Answer) End(asked string) string {
	if len(a.Aliases) == 0 {
		return asked
	}
	return a.Aliases[len(a.Aliases)-1].Target
}

// A Record is one resource record. MX, CNAME, NS and PTR records have a Target, A and
// AAAA records an Addr, TXT and TLSA records a Text.
type Record struct {
	Name   string
	Type   Type
	TTL    uint32 // seconds
	Pref   uint16
	Target string
	Addr   netip.Addr
	Text   string // of TXT: the octets of all strings together; of TLSA: "3 1 1 " and lower-case hex
}

// String returns the record as a line of a zone file.
func (r Record) String() string {
	head := fmt.Sprintf("%s %d %s ", dotted(r.Name), r.TTL, r.Type)
	switch r.Type {
	case TypeMX:
		return fmt.Sprintf("%s%d %s", head, r.Pref, dotted(r.Target))
	case TypeA, TypeAAAA:
		return head + r.Addr.String()
	case TypeTXT:
		return head + QuoteTXT(r.Text)
	case TypeTLSA:
		return head + r.Text
	}
	return head + dotted(r.Target)
}

// maxString is the number of octets of the longest string in a TXT record (RFC 1035
// 3.3).
const maxString = 255

// QuoteTXT returns a text as the strings of a TXT record in a zone file. A text of more
// than 255 octets becomes several strings. Octets that a zone file cannot have, quotes
// and backslashes are escaped (RFC 1035 5.1).
func QuoteTXT(text string) string {
	var b strings.Builder
	for i := 0; i == 0 || i < len(text); i += maxString {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('"')
		for _, octet := range []byte(text[i:min(i+maxString, len(text))]) {
			switch {
			case octet == '"' || octet == '\\':
				b.WriteByte('\\')
				b.WriteByte(octet)
			case octet < ' ' || octet > '~':
				fmt.Fprintf(&b, "\\%03d", octet)
			default:
				b.WriteByte(octet)
			}
		}
		b.WriteByte('"')
	}
	return b.String()
}

// dotted returns a name with its final dot.
func dotted(name string) string {
	if name == "." {
		return name
	}
	return name + "."
}

// parent returns the name without its first label. ok is false for a name of one
// label.
func parent(name string) (above string, ok bool) {
	_, above, ok = strings.Cut(name, ".")
	return above, ok
}
