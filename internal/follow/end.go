package follow

import "virtmap/internal/effective"

// A Kind is the kind of a Goal.
type Kind uint8

const (
	Nowhere   Kind = iota // a circle, or a chain that is too long
	Elsewhere             // Addr is an address at another server
	Account               // Addr is the name of an account or alias of the host, perhaps with a detail
	User                  // Users[Index], whose own mailbox gets the mail, perhaps beside the forward
	Alias                 // LocalAliases[Index]
	List                  // Lists[Index]
	Refused               // Refusals[Index]
)

// A Goal says where mail ends. The indexes are those of the Model.
type Goal struct {
	Kind  Kind
	Index uint32
	Addr  string // of Elsewhere and Account; of a recipient that is Nowhere: its address or the name of its user
	Plus  string // of the other kinds: the detail with its plus, if it is kept
}

// WithPlus returns a name or an address with the detail of a Goal, if it is kept.
func (g *Goal) WithPlus(to string) string {
	if g.Plus == "" {
		return to
	}
	m := effective.Match{Keep: true, Plus: g.Plus}
	return m.WithDetail(to)
}

// An End is the result of following an address.
type End struct {
	Goal
	DeadEnd string   // an address that is refused: only a rejecting catch-all matches, or the account is not declared
	Loop    []string // of Nowhere: the names of a circle; the first is also the last
	Far     bool     // of Nowhere: more than 100,000 addresses away; the other fields are empty then
	Steps   int      // number of look-ups
}
