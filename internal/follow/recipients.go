package follow

import "virtmap/inventory"

// A List has the ends of a list's recipients.
type List struct {
	Members   []End // one for each member of the list, in the order of the inventory
	BouncesTo End   // valid if the list has BouncesTo
}

// A delivery is what becomes of mail for a user who has a forward, or a mailbox
// elsewhere.
type delivery struct {
	following bool // the forward is being followed
	end       End
	forward   []End
}

// User returns where the mail of a user goes. If the user's own mailbox gets it, perhaps
// beside others, the end is Matched with the user itself. Otherwise it is the end of the
// forward.
func (f *Follower) User(i int) End {
	u := &f.m.Users[i]
	own := End{Kind: Matched, To: inventory.Target{Kind: inventory.ToUser, Index: uint32(i)}}
	if u.Forward.Kind == inventory.NoTarget && u.Mailbox.Text == "" {
		return own
	}
	if f.users[i] == nil {
		f.users[i] = &delivery{end: own}
		f.deliver(i, f.users[i])
	} else if f.users[i].following {
		name := "user " + u.Name.Text
		f.Circle(append(f.trail.from(f.trail.index(name)), name), u.Forward.Pos, len(u.Forward.Written()))
		return End{Kind: Nowhere, Addr: u.Name.Text}
	}
	return f.users[i].end
}

// deliver follows the forward of a user.
func (f *Follower) deliver(i int, to *delivery) {
	u := &f.m.Users[i]
	name := "user " + u.Name.Text
	if u.Forward.Kind != inventory.NoTarget && !u.KeepCopy {
		to.following = true
		from := f.trail.len()
		f.trail.push(name)
		to.end = f.member(&u.Forward, name+"'s forward")
		f.trail.cut(from)
		to.following = false
		return
	}
	f.reached = append(f.reached, to.end.To)
	switch u.Forward.Kind {
	case inventory.NoTarget:
	case inventory.ToList:
		to.forward = f.members(f.m.Lists[u.Forward.Index].Members, name)
	default:
		to.forward = f.members([]inventory.Target{u.Forward}, name)
	}
}

// Forward returns the recipients that get a copy of the mail of a user who keeps one.
func (f *Follower) Forward(i int) []End {
	if f.User(i); f.users[i] == nil {
		return nil
	}
	return f.users[i].forward
}

// List returns the recipients of a list. The first call follows them. In a circle of
// lists, the result of an inner call is not complete yet.
func (f *Follower) List(i int) *List {
	if f.lists[i] != nil {
		return f.lists[i]
	}
	list, to, label := &f.m.Lists[i], &List{}, f.listed.labels[i]
	f.lists[i] = to
	f.reached = append(f.reached, inventory.Target{Kind: inventory.ToList, Index: uint32(i)})
	to.Members = f.members(list.Members, label)
	if list.BouncesTo.Kind != inventory.NoTarget {
		to.BouncesTo = f.member(&list.BouncesTo, "bounces_to of "+label)
	}
	return to
}

// Reached returns the lists that are the end of a target, and the users who keep mail and
// have a forward or a mailbox elsewhere. The order is that in which they were reached.
func (f *Follower) Reached() []inventory.Target { return f.reached }

// reach returns the end at a user, alias or list, and follows its recipients.
func (f *Follower) reach(t *inventory.Target) End {
	switch t.Kind {
	case inventory.ToUser:
		if e := f.User(int(t.Index)); e.Kind == Nowhere {
			return e
		}
	case inventory.ToList:
		f.List(int(t.Index))
	}
	return End{Kind: Matched, To: *t}
}

func (f *Follower) members(all []inventory.Target, what string) []End {
	ends := make([]End, len(all))
	for i := range all {
		ends[i] = f.member(&all[i], what)
	}
	return ends
}

// member returns the end of a recipient, and reports one that is refused or leads
// nowhere.
func (f *Follower) member(t *inventory.Target, what string) End {
	switch t.Kind {
	case inventory.ToAddress:
	case inventory.Refused:
		return End{Kind: Refused, To: *t}
	default:
		return f.reach(t)
	}
	e := f.From(what, t.Text)
	if !f.Report(&e, t, what) {
		return End{Kind: Nowhere, Addr: t.Text}
	}
	if e.Kind == Refused {
		f.faults.Add(CheckDeadMember.At(t.Pos, len(t.Written()), "%s has the recipient %s, which is refused", what, t.Written()).
			Concerning("target %q", t.Written()).
			WithHelp("take it out of the list: the list would be accepted, and this part of it bounce"))
	}
	return e
}
