// Package follow follows the targets of an inventory to their ends. A compiler of a mail
// server asks it where mail for a target ends, and writes the rows for that end. The
// faults of a target are reported here, so that every server has the same: circles,
// targets and members of lists that are refused, parameters that a key does not give,
// chains that are too long, and mail that waits for a domain that is held back. The
// package knows no mail server: a compiler gives its Limits.
//
// # Following an address
//
// From looks an address up in the effective tables, then the address that it leads to,
// and so on. The result is an End, with the Goal of the mail. With
//
//	users: {andrei: , bea: {forward: bea@far.example}}
//	domains:
//	  a.example:
//	    addresses: {info: sales@b.example, team: [andrei, bea], old: reject}
//	  b.example:
//	    addresses: {sales: bea, lost: lose@a.example}
//
// these are the ends:
//
//	info@a.example   Elsewhere, bea@far.example
//	team@a.example   List
//	old@a.example    Refused
//	lost@b.example   Refused, with lose@a.example as the dead end
//	x@far.example    Elsewhere, x@far.example
//
// # For a compiler
//
// A compiler goes through the rows of each domain. It asks From for the end of a target
// that is an address, and Report whether the row can be written. For other targets
// it asks Goal. It calls Params and Sample for every row, and
// for the catch-all as an address without a name:
//
//	f := follow.New(m, tables, faults, follow.Limits{Server: "exampled", LookUps: 15})
//	e := f.From(follow.Label("info", "a.example"), "sales@b.example")
//	if f.Report(&e, &a.To, follow.Label("info", "a.example")) {
//		// write the row
//	}
//	f.Params(a)
//	f.Sample(d, a)
//
// Reached then has all lists and users whose recipients the server needs. List and
// Forward return these recipients. A server without aliases of aliases takes Flat, which
// replaces lists in lists by their members.
//
// A Follower is for one goroutine. Forks of a Follower can work on parts of an
// inventory. Their faults are those of one Follower unless one of them is Alone.
package follow
