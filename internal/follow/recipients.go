package follow

import "virtmap/inventory"

// Recipients are those of a list.
type Recipients struct {
	Members   []Goal // one for each member of the list, in the order of the inventory
	BouncesTo Goal   // valid if the list has BouncesTo
}

// A delivery is what becomes of mail for a user who has a forward, or a mailbox
// elsewhere.
type delivery struct {
	following bool // the forward is being followed
	goal      Goal
	forward   []Goal
}

// User returns where the mail of a user goes. If the user's own mailbox gets it, perhaps
// beside others, the goal is this user. Otherwise it is that of the forward.
func (f *Follower) User(i int) Goal {
	u := &f.m.Users[i]
	own := Goal{Kind: User, Index: uint32(i)}
	if u.Forward.Kind == inventory.NoTarget && u.Mailbox.Text == "" {
		return own
	}
	if f.users[i] == nil {
		f.users[i] = &delivery{goal: own}
		f.deliver(i, f.users[i])
	} else if f.users[i].following {
		name := "user " + u.Name.Text
		f.Circle(append(f.trail.from(f.trail.index(name)), name), u.Forward.Pos, len(u.Forward.Written()))
		return Goal{Kind: Nowhere, Addr: u.Name.Text}
	}
	return f.users[i].goal
}

// deliver follows the forward of a user.
func (f *Follower) deliver(i int, to *delivery) {
	u := &f.m.Users[i]
	name := "user " + u.Name.Text
	if u.Forward.Kind != inventory.NoTarget && !u.KeepCopy {
		to.following = true
		from := f.trail.len()
		f.trail.push(name)
		to.goal = f.member(&u.Forward, name+"'s forward")
		f.trail.cut(from)
		to.following = false
		return
	}
	f.reached = append(f.reached, to.goal)
	switch u.Forward.Kind {
	case inventory.NoTarget:
	case inventory.ToList:
		to.forward = f.members(f.m.Lists[u.Forward.Index].Members, name)
	default:
		to.forward = f.members([]inventory.Target{u.Forward}, name)
	}
}

// Forward returns the recipients that get a copy of the mail of a user who keeps one.
func (f *Follower) Forward(i int) []Goal {
	if f.User(i); f.users[i] == nil {
		return nil
	}
	return f.users[i].forward
}

// List returns the recipients of a list. The first call follows them. In a circle of
// lists, the result of an inner call is not complete yet.
func (f *Follower) List(i int) *Recipients {
	if f.lists[i] != nil {
		return f.lists[i]
	}
	list, to, label := &f.m.Lists[i], &Recipients{}, f.listed.labels[i]
	f.lists[i] = to
	f.reached = append(f.reached, Goal{Kind: List, Index: uint32(i)})
	to.Members = f.members(list.Members, label)
	if list.BouncesTo.Kind != inventory.NoTarget {
		to.BouncesTo = f.member(&list.BouncesTo, "bounces_to of "+label)
	}
	return to
}

// Reached returns the lists that are the goal of a target, and such users who have a
// forward or a mailbox elsewhere. The order is that in which they were reached.
func (f *Follower) Reached() []Goal { return f.reached }

// Goal returns the goal of a target that is a user, an alias, a list or a refusal, and
// follows its recipients. For other targets the Kind is Nowhere.
func (f *Follower) Goal(t *inventory.Target) Goal {
	switch t.Kind {
	case inventory.ToUser:
		return f.User(int(t.Index))
	case inventory.ToAlias:
		return Goal{Kind: Alias, Index: t.Index}
	case inventory.ToList:
		f.List(int(t.Index))
		return Goal{Kind: List, Index: t.Index}
	case inventory.Refused:
		return Goal{Kind: Refused, Index: t.Index}
	}
	return Goal{}
}

func (f *Follower) members(all []inventory.Target, what string) []Goal {
	goals := make([]Goal, len(all))
	for i := range all {
		goals[i] = f.member(&all[i], what)
	}
	return goals
}

// member returns the goal of a recipient, and reports one that is refused or leads
// nowhere.
func (f *Follower) member(t *inventory.Target, what string) Goal {
	if t.Kind != inventory.ToAddress {
		return f.Goal(t)
	}
	e := f.From(what, t.Text)
	if !f.Report(&e, t, what) {
		return Goal{Kind: Nowhere, Addr: t.Text}
	}
	if e.Kind == Refused {
		f.faults.Add(CheckDeadMember.At(t.Pos, len(t.Written()), "%s has the recipient %s, which is refused", what, t.Written()).
			Concerning("target %q", t.Written()).
			WithHelp("take it out of the list: the list would be accepted, and this part of it bounce"))
	}
	return e.Goal
}
