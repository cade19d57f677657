package virtuser

import "slices"

// A trail is the addresses and users that are being followed, by name.
type trail struct {
	names []string
	at    map[string]int // where a name stands first, of those from longTrail on
}

// longTrail is how many names are looked through one by one.
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

// cut goes back to a length.
func (t *trail) cut(length int) {
	for i := len(t.names) - 1; i >= max(length, longTrail); i-- {
		if t.at[t.names[i]] == i {
			delete(t.at, t.names[i])
		}
	}
	t.names = t.names[:length]
}

// index is where a name stands first; below zero it is not there.
func (t *trail) index(name string) int {
	if i := slices.Index(t.names[:min(len(t.names), longTrail)], name); i >= 0 {
		return i
	}
	if i, ok := t.at[name]; ok {
		return i
	}
	return -1
}

// from gives the names from a place on.
func (t *trail) from(i int) []string { return slices.Clone(t.names[i:]) }
