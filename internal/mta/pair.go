package mta

// A Pair is two sets of one server, prepared for a comparison.
type Pair struct {
	Old, Next Set
	// Same reports whether mail to a value ends at the same recipients in both sets.
	// Both sets have a row with this value. false: the recipients may be different, and
	// the addresses of the row are compared.
	Same func(value []byte) bool
	// SameRow reports whether the addresses of a key, which has a row with these values,
	// certainly have the same outcomes in both sets, although the values may not be equal. nil:
	// the values must be equal, and Same counts.
	SameRow func(key, old, next []byte) bool
	// SameUnlisted reports whether all names that a domain does not list have the same
	// outcome in both sets, although only the next one has a catch-all, with this value. nil: it
	// is not known.
	SameUnlisted func(domain string, next []byte) bool
	// SameRole reports whether a domain has the same role in both sets: served,
	// relayed, or neither.
	SameRole func(domain string) bool
	// Aliased reports whether a local name may be an alias in one of the sets. It is safe
	// for concurrent use.
	Aliased func(name string) bool
}

// NewPair returns a Pair for sets about which only the roles of the domains are known:
// Same is always false.
func NewPair(old, next Set) Pair {
	was, is := roles(old), roles(next)
	return Pair{
		Old: old, Next: next,
		Same:     func([]byte) bool { return false },
		SameRole: func(domain string) bool { return was[domain] == is[domain] },
		Aliased:  func(string) bool { return true },
	}
}

// roles returns the role of each domain of a set: 1 for served, 2 for relayed.
func roles(s Set) map[string]int {
	all := map[string]int{}
	served, relayed := s.Domains()
	for _, name := range relayed {
		all[name] = 2
	}
	for _, name := range served {
		all[name] = 1
	}
	return all
}
