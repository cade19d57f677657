// Package mxcheck checks whether mail for a domain arrives at this server. It
// asks the DNS for the MX records of the domain and for the addresses of their
// targets.
//
// The result is a Verdict. It has a level (ok, warning, error or unknown), the
// findings that lead to the level, and the records from the DNS. Each finding
// has a stable id:
//
//	fakemail.example: error, hold
//	  mx-elsewhere: none of its MX hosts is this server
//	  | fakemail.example. 3600 MX 10 mx.other.example.
//
// Rules is the table of the ids, with their meaning, their RFC, and the action
// for the domain:
//
//	write  the domain is served
//	keep   nothing is known: a served domain stays as it is, a new one waits
//	hold   a new domain is held back, a served one is pending
//	relay  mail for the domain may be relayed, and is never delivered here
//
// # The procedure (RFC 5321 section 5.1)
//
// The first question is for the MX records. An alias is followed to its end. A
// domain without MX records is its own only target (implicit MX). A domain with
// MX records never gets mail at its own addresses.
//
// A target is this server when its name or one of its addresses is in Us. The
// usable target with the best preference decides.
//
// Before a verdict of level error, the questions are asked a second time
// (Checker.Confirm): over TCP, and of another server if there is one that
// answers. When the two answers differ, or the second question fails, the
// verdict is unknown. A missing answer never counts as an answer without
// records.
//
// # What it does not do
//
// It does not validate DNSSEC. It reads the result of a resolver that does (RFC
// 8914).
package mxcheck
