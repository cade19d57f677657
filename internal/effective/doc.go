// Package effective works out what the domains of an inventory have in the end:
// with what they copy by same_as, the roles, and the defaults. Compilers and
// checks ask it, so that a rule of the inventory is worked out in one place. No
// mail server is known here.
//
// # What is effective
//
// The effective table of a domain is its own addresses; behind them, where these
// have no such key, its own roles; and behind these the effective table of the
// domain that same_as names, or else the roles of the defaults. A role that is
// none takes the key away. The names of the host have no roles of the defaults.
//
// What becomes of user+detail is settled for each address of a table: the address
// says it, or else the domain that lists the address; for a role of the defaults it
// is the domain at the end of the copies. A domain that does not say it has it from
// the domain that it copies, or else from the defaults; and so with the catch-all.
//
// # A small example
//
//	defaults: {roles: {postmaster: andrei, abuse: andrei}, detail: drop}
//	domains:
//	  a.example:
//	    addresses: {fake: andrei, "info+*": bea}
//	    roles: {abuse: none}
//	    detail: keep
//	  b.example:
//	    same_as: a.example
//	    addresses: {fake: bea}
//	    catch_all: bea
//
// has these tables, each in the order of inventory.CompareKeys:
//
//	a.example  fake        andrei  keep
//	           postmaster  andrei  keep
//	           info+*      bea     keep
//	           anything    refused (the catch-all of the defaults)
//	b.example  fake        bea     keep
//	           postmaster  andrei  keep
//	           info+*      bea     keep
//	           anything    bea
//
// # What an address matches
//
// Lookup finds the key of a table that a local part matches: the local part as it
// stands; then for user+detail the keys user++, user+*, user, ++ and +*, those with
// two plusses only where the detail is not empty; then the catch-all. Next says
// where mail goes on to from there, and Locate whose the next address is: another
// server's, an account's of the host, or a table's again. That mail runs in a
// circle, and after how many steps a server gives up, is for the caller to see.
//
// # For a compiler
//
// A compiler goes through the domains that are served, writes the rows of
// AppendTable and then the catch-all of each:
//
//	tables := effective.Of(m)
//	for d := range m.Domains {
//		if !tables.HasRows(d) {
//			continue
//		}
//		rows = tables.AppendTable(rows[:0], d)
//		…
//	}
//
// Tables may be asked by many at once. The table of a domain that others copy is
// made once and kept, and one that adds nothing is that of the domain it copies: a
// long chain of copies costs no more than its rows.
package effective
