// Package effective works out the effective tables of the domains of an inventory:
// their addresses together with those of same_as, the roles and the defaults. Compilers
// and checks use it, so that each rule of the inventory is implemented once. It knows
// no mail server.
//
// # The effective table
//
// The effective table of a domain has these layers. The first layer with a key wins:
//
//   - the domain's own addresses
//   - the domain's own roles
//   - the effective table of the domain that same_as names; or, without same_as, the
//     roles of the defaults, unless the domain is a name of the host
//
// A role with the value none removes the key.
//
// Each address of a table has a setting for user+detail. The first of these that has a
// setting decides:
//
//   - the address itself
//   - the domain that lists the address; for a role of the defaults, the last domain in
//     the chain of copies
//   - the domain that this domain copies, and so on along the chain
//   - the defaults
//
// The catch-all of a domain is found in the same way, from the domain on.
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
// Lookup finds the key of a table that a local part matches. It tries the local part
// itself; then, for user+detail, the keys user++, user+*, user, ++ and +*; and then the
// catch-all. It tries the keys with two plus signs only if the detail is not empty.
//
// Next returns the address to which mail goes on from there. Locate tells whether that
// address belongs to another server, to an account of the host, or again to a table.
// The caller must notice circles, and must know after how many steps a server gives up.
//
// # For a compiler
//
// A compiler goes through the domains that are served. For each it writes the rows of
// AppendTable, and then the catch-all:
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
// Tables are safe for concurrent use. The table of a domain that others copy is made
// once and kept. A domain that adds nothing shares the table of the domain it copies. A
// long chain of copies therefore costs no more than its rows.
package effective
