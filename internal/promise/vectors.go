package promise

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"virtmap/inventory"
)

// A Vector is an address to try, and the reason.
type Vector struct{ Address, Why string }

// foreign is a domain that does not exist (RFC 2606).
const foreign = "foreign.invalid"

// maxNames limits the number of account names that are tried in all domains together. A
// name that a domain does not list has the same outcome as all other unlisted names
// there. A part of a hundred million such addresses therefore tells as much: every name
// is tried in some domain, and every domain with some names.
const maxNames = 100_000

// Vectors yields the addresses that `virtmap test` sends to: every listed address and
// role, near misses of each, the names of local accounts in every domain, and the
// entries under tests. It may yield the same address twice.
func Vectors(m *inventory.Model) iter.Seq[Vector] {
	p := Promises{Model: m}
	names := accountNames(m)
	perDomain := len(names)
	if len(m.Domains) > 0 {
		perDomain = min(perDomain, max(maxNames/len(m.Domains), 4))
	}
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
			for n := range perDomain {
				name := names[(i*perDomain+n)%len(names)]
				if !yield(Vector{name + "@" + d.Name, "an account's name at a domain"}) {
					return
				}
			}
			if !yield(vector(unlisted, d.Name, "an address that is not listed")) {
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

// accountNames returns the names that could get mail although the inventory does not
// list them.
func accountNames(m *inventory.Model) []string {
	names := []string{"root"} // root is an account everywhere
	for i := range m.Users {
		names = append(names, m.Users[i].Name.Text)
	}
	for i := range m.LocalAliases {
		names = append(names, m.LocalAliases[i].Text)
	}
	return names
}

// near yields an address for a key, and near misses of this address.
func near(key, domain string, yield func(Vector) bool) bool {
	local := example(key)
	off := local[:len(local)-1] + "q"
	if off == local {
		off = local[:len(local)-1] + "z"
	}
	return yield(vector(local, domain, "listed")) &&
		yield(vector(strings.ToUpper(local), strings.ToUpper(domain), "in capitals")) &&
		(len(local) > maxLocal-len("+detail") || yield(vector(local+"+detail", domain, "with a detail"))) &&
		yield(vector(off, domain, "one letter off")) &&
		yield(vector(local, foreign, "at a foreign domain"))
}

// maxLocal is the largest length of a local part in SMTP (RFC 5321 section 4.5.3.1.1).
const maxLocal = 64

// vector returns an address in the form in which it is sent. A local part with a dot at
// an end, or with two dots in sequence, must be quoted (RFC 5321 section 4.1.2).
func vector(local, domain, why string) Vector {
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		local = `"` + local + `"`
	}
	return Vector{local + "@" + domain, why}
}

// OfRow returns the vector for a key that was found in the files. ok is false if no
// client can send to the key.
func OfRow(key string) (v Vector, ok bool) {
	local, domain, ok := strings.Cut(key, "@")
	if !ok || strings.ContainsFunc(local+domain, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`@<>()[]",:;\`, c) }) {
		return Vector{}, false
	}
	if local == "" {
		local = unlisted
	}
	return vector(example(local), domain, "a row of the files"), true
}

// OfName returns the vectors for a domain that was found in the files.
func OfName(domain string) []Vector {
	const why = "a domain of the files"
	return []Vector{vector(unlisted, domain, why), vector("root", domain, why)}
}

// unlisted is a name that no inventory lists.
const unlisted = "nobody-has-this-name"

// example returns a local part that a key matches.
func example(key string) string {
	made := inventory.Samples{User: "anybody", Detail: "any"}
	if strings.HasSuffix(key, "++") {
		made.Detail = "some"
	}
	return made.Of(key)
}
