package prove

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"virtmap/inventory"
)

// A Vector is an address to try and why.
type Vector struct{ Address, Why string }

// foreign is a domain that is nobody's (RFC 2606).
const foreign = "foreign.invalid"

// Vectors gives the addresses that `virtmap test` sends to: every listed
// address and role, near misses of each, the name of every user at every
// domain, and the entries under tests. The same address may come twice.
func Vectors(m *inventory.Model) iter.Seq[Vector] {
	p := Promises{Model: m}
	return func(yield func(Vector) bool) {
		for i := range m.Domains {
			d := &m.Domains[i]
			if !d.Enabled {
				if !yield(Vector{"postmaster@" + d.Name, "a domain that is not enabled"}) {
					return
				}
				continue
			}
			for _, key := range slices.Sorted(maps.Keys(p.table(i))) {
				if !near(key, d.Name, yield) {
					return
				}
			}
			for j := range m.Users {
				if !yield(Vector{m.Users[j].Name.Text + "@" + d.Name, "a user's name at a domain"}) {
					return
				}
			}
			if !yield(Vector{"nobody-has-this-name@" + d.Name, "an address that is not listed"}) {
				return
			}
		}
		for _, t := range m.Tests {
			if !yield(Vector{t.Address, "listed under tests"}) {
				return
			}
		}
	}
}

// near gives an address for a key and its near misses.
func near(key, domain string, yield func(Vector) bool) bool {
	local := strings.NewReplacer("+*", "+any", "++", "+some").Replace(key)
	if strings.HasPrefix(local, "+") {
		local = "anybody" + local
	}
	off := local[:len(local)-1] + "q"
	return yield(Vector{local + "@" + domain, "listed"}) &&
		yield(Vector{strings.ToUpper(local) + "@" + strings.ToUpper(domain), "in capitals"}) &&
		yield(Vector{local + "+detail@" + domain, "with a detail"}) &&
		yield(Vector{off + "@" + domain, "one letter off"}) &&
		yield(Vector{local + "@" + foreign, "at a foreign domain"})
}
