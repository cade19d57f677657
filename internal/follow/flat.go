package follow

import (
	"slices"

	"virtmap/internal/diag"
)

// Flat returns the final recipients of a goal, each once: a list is replaced by its
// members, and a user who keeps a copy by the forward and the user. A user in the result
// is the user's own mailbox. Recipients that are Refused or Nowhere are left out. The
// Plus of the goal is not added to them. A circle of lists and users is reported.
func (f *Follower) Flat(g Goal) []Goal {
	w := flattening{f: f, have: map[Goal]bool{}}
	w.add(g)
	return w.flat
}

type flattening struct {
	f    *Follower
	flat []Goal
	have map[Goal]bool // lists, users and recipients that were added
	path []Goal        // the lists and users on the way
}

func (w *flattening) add(g Goal) {
	var inner []Goal
	switch g.Kind {
	case Nowhere, Refused:
		return
	case List:
		g.Plus, inner = "", w.f.List(int(g.Index)).Members
	case User:
		inner = w.f.Forward(int(g.Index))
	}
	node := Goal{Kind: g.Kind, Index: g.Index}
	if at := slices.Index(w.path, node); at >= 0 && len(inner) > 0 {
		w.circle(append(slices.Clone(w.path[at:]), node))
		return
	}
	if w.have[g] {
		return
	}
	w.have[g] = true
	w.path = append(w.path, node)
	for _, member := range inner {
		w.add(member)
	}
	w.path = w.path[:len(w.path)-1]
	if g.Kind != List {
		w.flat = append(w.flat, g)
	}
}

// circle reports a circle at the place of its first list or user.
func (w *flattening) circle(round []Goal) {
	var names []string
	for _, g := range round {
		name, _ := w.f.named(g)
		names = append(names, name)
	}
	_, pos := w.f.named(round[0])
	w.f.Circle(names, pos, 1)
}

// named returns the name of a list or user in messages, and its place.
func (f *Follower) named(g Goal) (name string, pos diag.Pos) {
	if g.Kind == User {
		u := &f.m.Users[g.Index]
		return "user " + u.Name.Text, u.Name.Pos
	}
	return f.listed.labels[g.Index], f.listed.places[g.Index]
}
