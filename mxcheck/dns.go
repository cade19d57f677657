package mxcheck

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Type is a type of DNS records; the numbers are those of the wire.
type Type uint16

// The types that the rules need.
const (
	TypeA     Type = 1
	TypeNS    Type = 2
	TypeCNAME Type = 5
	TypeSOA   Type = 6
	TypeMX    Type = 15
	TypeAAAA  Type = 28
)

var typeNames = map[Type]string{TypeA: "A", TypeNS: "NS", TypeCNAME: "CNAME", TypeSOA: "SOA", TypeMX: "MX", TypeAAAA: "AAAA"}

func (t Type) String() string { return typeNames[t] }

// A Question is asked of the DNS. Names are lower-case A-labels without the
// final dot; "." is the root.
type Question struct {
	Name string
	Type Type

	// Second asks for a second opinion, over TCP, and of another server than
	// the one that gave the first, where there are several.
	Second bool
	First  string // the server that gave it
}

// A Resolver answers questions, from the network or from files. It returns
// when there is an answer, when it has given up, or when ctx ends; what it
// could not find out is an Answer with a Failure. It is safe for concurrent
// use.
type Resolver interface {
	Ask(ctx context.Context, q Question) Answer
}

// An Answer is what the DNS says to one question.
type Answer struct {
	Failure ID     // why there is no answer; empty when there is one
	Detail  string // of a failure: who said what

	NoName  bool     // the name at the end of the aliases does not exist (NXDOMAIN)
	Aliases []Record // CNAME records from the name asked for to the end
	Records []Record // of the type asked for, at the end; in the order of the answer
	Proof   *Proof   // of an answer that there is nothing (RFC 2308)

	Authoritative bool // the times to live are whole, not what a cache has left
	Stale         bool // older than its time to live (RFC 8767)
	Server        string
}

// A Proof is the SOA record that comes with a negative answer.
type Proof struct {
	Zone string
	TTL  uint32 // seconds that the answer may be kept
}

// End is the name that the records of an answer belong to.
func (a *Answer) End(asked string) string {
	if len(a.Aliases) == 0 {
		return asked
	}
	return a.Aliases[len(a.Aliases)-1].Target
}

// A Record is one resource record. Target is of MX, CNAME and NS records,
// Addr of A and AAAA.
type Record struct {
	Name   string
	Type   Type
	TTL    uint32 // seconds
	Pref   uint16
	Target string
	Addr   netip.Addr
}

// String gives the record as a zone file has it.
func (r Record) String() string {
	head := fmt.Sprintf("%s %d %s ", dotted(r.Name), r.TTL, r.Type)
	switch r.Type {
	case TypeMX:
		return fmt.Sprintf("%s%d %s", head, r.Pref, dotted(r.Target))
	case TypeA, TypeAAAA:
		return head + r.Addr.String()
	}
	return head + dotted(r.Target)
}

func dotted(name string) string {
	if name == "." {
		return name
	}
	return name + "."
}

// parent gives the name above; ok is false for a name of one label.
func parent(name string) (above string, ok bool) {
	_, above, ok = strings.Cut(name, ".")
	return above, ok
}
