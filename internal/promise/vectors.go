package promise

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

// maxNames bounds the names of accounts that are tried at all domains
// together. A name that a domain does not list ends as every other there, so
// that of a hundred million such addresses a part tells as much: every name is
// tried somewhere, and every domain with some.
const maxNames = 100_000

// Vectors gives the addresses that `virtmap test` sends to: every listed
// address and role, near misses of each, the names of local accounts at every
// domain, and the entries under tests. The same address may come twice.
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

// accountNames are the names that mail could reach past the inventory.
func accountNames(m *inventory.Model) []string {
	names := []string{"root"} // everywhere
	for i := range m.Users {
		names = append(names, m.Users[i].Name.Text)
	}
	for i := range m.LocalAliases {
		names = append(names, m.LocalAliases[i].Text)
	}
	return names
}

// near gives an address for a key and its near misses.
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

// maxLocal is how long a local part may be on the wire (RFC 5321 section
// 4.5.3.1.1).
const maxLocal = 64

// vector gives an address as it is sent: a local part with a dot at an end, or
// two side by side, must be quoted (RFC 5321 section 4.1.2).
func vector(local, domain, why string) Vector {
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		local = `"` + local + `"`
	}
	return Vector{local + "@" + domain, why}
}

// OfRow gives the vector for the key of a row that was found in the files. A key
// that no client can send has none.
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

// OfName gives the vectors for a domain that is named in the files.
func OfName(domain string) []Vector {
	const why = "a domain of the files"
	return []Vector{vector(unlisted, domain, why), vector("root", domain, why)}
}

// unlisted is a name that nobody has.
const unlisted = "nobody-has-this-name"

// example gives a local part that a key matches.
func example(key string) string {
	made := inventory.Samples{User: "anybody", Detail: "any"}
	if strings.HasSuffix(key, "++") {
		made.Detail = "some"
	}
	return made.Of(key)
}
