// Package mxcheck says whether the world delivers a domain's mail to this
// server: it asks for the MX records of the domain and the addresses of their
// targets, and judges what it sees.
//
// A Verdict has a level (ok, warning, error, unknown), the findings it is made
// of, each with a stable id, and the records they rest on. Rules lists the
// ids with what they mean, the RFC they rest on, and what they do to a
// domain:
//
//	write  the domain is served
//	keep   nothing is known: a domain that is served stays, a new one waits
//	hold   the domain is held back when it is new, and pending otherwise
//	relay  the domain may be relayed, and is never delivered here
//
// # The procedure (RFC 5321 section 5.1)
//
// The MX records are asked for first; an alias is followed to its end. A
// domain without MX records stands for itself (implicit MX); one with MX
// records is never delivered to by its own addresses. This server is
// recognised by the name of a target or by an address of it, and the best of
// the targets that can be used decides.
//
// An answer that speaks against a domain is asked for a second time, over TCP,
// and of another server than the one that gave it, where there is one that
// answers anything: two that disagree, or a second one that fails, leave the
// domain unknown. No answer at all is never taken for an answer that there is
// nothing.
//
// # What it does not do
//
// It does not validate DNSSEC itself: it reads what a validating resolver
// says of it (RFC 8914).
package mxcheck
