package follow

import "slices"

// A trail is the chain of addresses and users that is being followed, by name.
type trail struct {
	names []string
	at    map[string]int // the first index of each name with an index of longTrail or more
}

// longTrail is the number of names that are compared one by one.
const longTrail = 32

func (t *trail) len() int { return len(t.names) }

func (t *trail) push(name string) {
	if n := len(t.names); n >= longTrail {
		if t.at == nil {
			t.at = map[string]int{}
		}
		if _, twice := t.at[name]; !twice {
			t.at[name] = n
		}
	}
	t.names = append(t.names, name)
}

// cut shortens the trail to a length.
func (t *trail) cut(length int) {
	for i := len(t.names) - 1; i >= max(length, longTrail); i-- {
		if t.at[t.names[i]] == i {
			delete(t.at, t.names[i])
		}
	}
	t.names = t.names[:length]
}

// index returns the first index of a name, or a negative number.
func (t *trail) index(name string) int {
	if i := slices.Index(t.names[:min(len(t.names), longTrail)], name); i >= 0 {
		return i
	}
	if i, ok := t.at[name]; ok {
		return i
	}
	return -1
}

// from returns the names from index i on.
func (t *trail) from(i int) []string { return slices.Clone(t.names[i:]) }
