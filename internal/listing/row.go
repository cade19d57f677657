// Package listing lists the addresses of an inventory: where each goes as written, where
// its mail ends, and who may send from it. It reads the tables of package effective,
// follows targets with package follow, and has the rights of package senders. It knows no
// mail server.
package listing

import (
	"virtmap/internal/diag"
	"virtmap/internal/effective"
)

// CatchAll is the Address of a row that stands for all addresses that are not listed.
const CatchAll = "*"

// A Kind says what an address leads to.
type Kind string

// Kinds of rows.
const (
	User    Kind = "user"    // a user of the inventory
	List    Kind = "list"    // several recipients
	Alias   Kind = "alias"   // a name of local_aliases
	Address Kind = "address" // an address in a domain of the inventory or at the host
	Forward Kind = "forward" // an address at another server
	Pattern Kind = "pattern" // an address with %1, %2 or %3
	Domain  Kind = "domain"  // the same name in another domain
	Local   Kind = "local"   // the server's own accounts and aliases
	Reject  Kind = "reject"  // refused for ever (5yz)
	Defer   Kind = "defer"   // refused for now (4yz)
	Backup  Kind = "backup"  // the whole domain is relayed to its better MX hosts
)

// Kinds are all kinds.
var Kinds = []Kind{User, List, Alias, Address, Forward, Pattern, Domain, Local, Reject, Defer, Backup}

// A Source says which part of an inventory made a row.
type Source string

// Sources of rows.
const (
	Own     Source = "own"     // the domain itself
	Role    Source = "role"    // the roles of the domain
	Default Source = "default" // the roles or the catch-all of defaults
	Copy    Source = "copy"    // the domain that same_as names
)

var sources = [...]Source{effective.OwnAddress: Own, effective.OwnRole: Role, effective.DefaultRole: Default, effective.Copied: Copy}

// A Row is one address of a domain.
type Row struct {
	Domain  string
	Address string // the key before the @, folded; CatchAll
	Kind    Kind
	Source  Source

	// Disabled says that the address or its domain is not enabled: mail for the address
	// is refused.
	Disabled bool

	// To has the targets as the inventory has them, in its order; of Domain an @ and the
	// name. It is empty for Local, Reject, Defer and Backup.
	To []string

	// Reply is the reply of Reject and Defer: code, status, and the text if the inventory
	// has one.
	Reply string

	// Ends has the users, the names of local_aliases and the addresses at which mail
	// ends, each once. Of Pattern and Domain, whose end depends on the address, it is To.
	// It is empty if no mail is taken, if the server's accounts decide, and if the target
	// leads nowhere.
	Ends []string

	// Sends says that the domain sends. Senders are then the users who may send from the
	// address, sorted. Of a key for several addresses and of the catch-all they are those
	// for the addresses that are not listed; of Local each user may also send from the
	// address of the same name.
	Sends   bool
	Senders []string

	Pos diag.Pos // of the address; of a copy its place in the source
}
