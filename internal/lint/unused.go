package lint

import (
	"slices"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

var (
	checkUnreached = &diag.Check{ID: "VM085", Name: "unreached-user", Severity: diag.Warning,
		Rule: "Every user has an address."}
	checkShadowed = &diag.Check{ID: "VM086", Name: "shadowed", Severity: diag.Warning,
		Rule: "What is written is not covered by something else that always comes before it."}
	checkSame = &diag.Check{ID: "VM095", Name: "same-as-catch-all", Severity: diag.Note,
		Rule: "A listed address goes elsewhere than the catch-all sends it anyway."}
	checkLone = &diag.Check{ID: "VM096", Name: "list-of-one", Severity: diag.Warning,
		Rule: "A list has several recipients."}
	checkNoNote = &diag.Check{ID: "VM097", Name: "no-note", Severity: diag.Warning,
		Rule: "What is switched off says why in a note."}
)

// unreached reports users that no address leads to. With a catch_all: local, every user
// has an address.
func (a *advisor) unreached() {
	reached := make([]bool, len(a.m.Users))
	var mark func(t *inventory.Target)
	mark = func(t *inventory.Target) {
		switch t.Kind {
		case inventory.ToUser:
			reached[t.Index] = true
		case inventory.ToList:
			list := &a.m.Lists[t.Index]
			for i := range list.Members {
				mark(&list.Members[i])
			}
			mark(&list.BouncesTo)
		case inventory.ToAddress:
			local, domain, _ := mailaddr.Split(t.Text)
			if i, ok := a.m.User(local); ok && a.m.IsHostName(domain) {
				reached[i] = true
			}
		}
	}
	a.own(func(address *inventory.Address) {
		if !address.Disabled {
			mark(&address.To)
		}
	})
	open := false
	a.served(func(i int, _ *inventory.Domain) {
		t := a.catchAll(i)
		open = open || a.opensAccounts(&t)
		mark(&t)
	})
	for i := range a.m.Users {
		mark(&a.m.Users[i].Forward)
	}
	for _, s := range a.m.Senders {
		for _, name := range s.Users {
			if i, ok := a.m.User(name.Text); ok {
				reached[i] = true // who sends has a use for the account
			}
		}
	}
	for i := range a.m.Users {
		if name := a.m.Users[i].Name; !open && !reached[i] {
			a.faults.Add(checkUnreached.At(name.Pos, len(name.Text), "no address leads to user %s", name.Text).
				WithHelp("give %s an address, or take the user out", name.Text))
		}
	}
}

// opensAccounts reports whether a catch-all leads to the server's accounts, whatever
// the local part is.
func (a *advisor) opensAccounts(t *inventory.Target) bool {
	switch t.Kind {
	case inventory.ToLocal:
		return true
	case inventory.ToDomain:
		return a.m.IsHostName(t.Text)
	case inventory.ToPattern:
		_, domain, _ := mailaddr.Split(t.Text)
		return a.m.IsHostName(domain)
	}
	return false
}

// shadowed reports roles with the same key as an address of the domain, and a detail
// setting without effect because the domain has user+*.
func (a *advisor) shadowed() {
	for i := range a.m.Domains {
		d := &a.m.Domains[i]
		for j := range d.Roles {
			role := &d.Roles[j]
			if over, ok := inventory.Find(d.Addresses, role.Local, role.Form); ok {
				a.faults.Add(checkShadowed.At(role.Pos, len(role.Local), "the role %s of %s is never used: the address of that name comes before it", role.Local, d.Name).
					Second(over.Pos, "the address").WithHelp("keep one of the two"))
			}
		}
		for j := range d.Addresses {
			address := &d.Addresses[j]
			if address.Form != inventory.Plain || address.Detail == inventory.DetailUnset {
				continue
			}
			if over, ok := inventory.Find(d.Addresses, address.Local+"+*", inventory.AnyDetail); ok {
				a.faults.Add(checkShadowed.At(address.Pos, len(address.Local), "the detail of %s is never used: %s comes before it", address.Local, over.Local).
					Second(over.Pos, "the key for any detail").WithHelp("leave the detail out, or the key %s", over.Local))
			}
		}
	}
}

// sameAsCatchAll reports plain addresses whose mail would go to the same target if they
// were not listed.
func (a *advisor) sameAsCatchAll() {
	a.findCopied()
	a.served(func(i int, d *inventory.Domain) {
		if d.Source >= 0 || a.copied[i] {
			return
		}
		catchAll := a.catchAll(i)
		forAnyUser := func(address inventory.Address) bool {
			return address.Form == inventory.AnyUser || address.Form == inventory.SomeUser
		}
		if slices.ContainsFunc(d.Addresses, forAnyUser) {
			return // these keys come before the catch-all
		}
		for j := range d.Addresses {
			address := &d.Addresses[j]
			if address.Form == inventory.Plain && !address.Disabled && a.redundant(i, address, &catchAll) {
				a.faults.Add(checkSame.At(address.Pos, len(address.Local), "%s goes where the catch-all of %s sends it anyway", address.Local, d.Name).
					WithHelp("keep it where mail is known to come, as for info: it stays when the catch-all is closed; take out what is only a repetition"))
			}
		}
	})
}

// findCopied marks each domain with a direct or indirect copy that has a catch-all of
// its own. In the copy, unlisted mail may go elsewhere.
func (a *advisor) findCopied() {
	a.copied = make([]bool, len(a.m.Domains))
	for i := range a.m.Domains {
		if a.m.Domains[i].CatchAll.Kind == inventory.NoTarget {
			continue
		}
		for source := a.m.Domains[i].Source; source >= 0 && !a.copied[source]; source = a.m.Domains[source].Source {
			a.copied[source] = true
		}
	}
}

// redundant reports whether a plain address could be left out.
func (a *advisor) redundant(d int, address *inventory.Address, catchAll *inventory.Target) bool {
	isRole := func(all []inventory.Address) bool {
		_, ok := inventory.Find(all, address.Local, inventory.Plain)
		return ok
	}
	if isRole(a.m.Defaults.Roles) || isRole(a.m.Domains[d].Roles) {
		return false // without the address, the role would apply
	}
	if address.Detail != inventory.DetailUnset && address.Detail != a.tables.Detail(d) {
		return false
	}
	t := &address.To
	if t.Kind == inventory.ToList && catchAll.Kind == inventory.ToList {
		return a.sameList(t.Index, catchAll.Index)
	}
	return t.Kind == catchAll.Kind && t.Index == catchAll.Index && t.Text == catchAll.Text && t.Kind != inventory.ToPattern
}

func (a *advisor) sameList(x, y uint32) bool {
	same := func(s, t inventory.Target) bool { return s.Kind == t.Kind && s.Index == t.Index && s.Text == t.Text }
	one, other := &a.m.Lists[x], &a.m.Lists[y]
	return same(one.BouncesTo, other.BouncesTo) && slices.EqualFunc(one.Members, other.Members, same)
}

func (a *advisor) lone() {
	report := func(t *inventory.Target) {
		if t.Lone {
			a.faults.Add(checkLone.At(t.Pos, max(1, len(t.Written())), "a list with one recipient").
				WithHelp("write it without brackets; or is a recipient missing?"))
		}
	}
	a.own(func(address *inventory.Address) { report(&address.To) })
	report(&a.m.Defaults.CatchAll)
	for i := range a.m.Domains {
		report(&a.m.Domains[i].CatchAll)
	}
	for i := range a.m.Users {
		report(&a.m.Users[i].Forward)
	}
}

// notes reports values that are disabled and have no note.
func (a *advisor) notes() {
	report := func(pos diag.Pos, size int, format string, args ...any) {
		a.faults.Add(checkNoNote.At(pos, size, format, args...).
			WithHelp("write note: with the reason, and until when: a reader next year cannot ask you"))
	}
	for i := range a.m.Domains {
		d := &a.m.Domains[i]
		switch {
		case d.Noted:
		case !d.Enabled:
			report(d.Pos, len(d.Name), "%s is not enabled, and no note says why", d.Name)
		case d.MXCheck == inventory.MXSkip:
			report(d.Pos, len(d.Name), "%s is served whatever its MX records say, and no note says why", d.Name)
		}
		for _, layer := range [][]inventory.Address{d.Addresses, d.Roles} {
			for j := range layer {
				if address := &layer[j]; address.Disabled && !address.Noted {
					report(address.Pos, len(address.Local), "%s is not enabled, and no note says why", address.Local+"@"+d.Name)
				}
			}
		}
	}
}
