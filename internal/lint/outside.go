package lint

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

var (
	checkCatchAllOutside = &diag.Check{ID: "VM082", Name: "catch-all-outside", Severity: diag.Warning,
		Rule: "A catch-all does not send mail to other servers."}
	checkForward = &diag.Check{ID: "VM083", Name: "forward-outside", Severity: diag.Warning,
		Rule: "Mail stays on this server, or it is known that it leaves."}
	checkExposed = &diag.Check{ID: "VM084", Name: "exposed-accounts", Severity: diag.Warning,
		Rule: "catch_all: local opens no account by accident (needs --accounts)."}
)

// outside reports whether an address or a domain belongs to another server.
func (a *advisor) outside(t *inventory.Target) bool {
	domain := t.Text
	switch t.Kind {
	case inventory.ToAddress, inventory.ToPattern:
		_, domain, _ = mailaddr.Split(t.Text)
	case inventory.ToDomain:
	default:
		return false
	}
	_, listed := a.m.Domain(domain)
	return !listed && !a.m.IsHostName(domain)
}

// leaves returns the first address outside that a target leads to directly, by a list,
// or by the forward of a user.
func (a *advisor) leaves(t *inventory.Target) (outside string, ok bool) {
	switch t.Kind {
	case inventory.ToUser:
		return a.leaves(&a.m.Users[t.Index].Forward)
	case inventory.ToList:
		members := a.m.Lists[t.Index].Members
		for i := range members {
			if outside, ok := a.leaves(&members[i]); ok {
				return outside, true
			}
		}
		return "", false
	}
	return t.Written(), a.outside(t)
}

func (a *advisor) catchAllsOutside() {
	report := func(t *inventory.Target, pos diag.Pos) {
		if outside, ok := a.leaves(t); ok {
			a.faults.Add(checkCatchAllOutside.At(pos, max(1, len(t.Written())), "all mail for unlisted addresses, spam first, is sent on to %s", outside).
				WithHelp("list the addresses, and write catch_all: reject: this server would be taken for the sender of the spam, and spam that is refused there bounces to forged senders"))
		}
	}
	report(&a.m.Defaults.CatchAll, a.m.Defaults.CatchAll.Pos)
	a.served(func(_ int, d *inventory.Domain) { report(&d.CatchAll, d.CatchAll.Pos) })
}

// forwards reports every address outside that is the target of an address or a user.
func (a *advisor) forwards() {
	report := func(t *inventory.Target) {
		if a.outside(t) {
			a.faults.Add(checkForward.At(t.Pos, len(t.Written()), "mail is sent on to %s", t.Written()).
				WithHelp("senders that publish SPF are refused there unless this server rewrites envelope senders (SRS); spam goes on in its name"))
		}
	}
	each := func(t *inventory.Target) {
		report(t)
		if t.Kind == inventory.ToList {
			for i := range a.m.Lists[t.Index].Members {
				report(&a.m.Lists[t.Index].Members[i])
			}
		}
	}
	for i := range a.m.Users {
		each(&a.m.Users[i].Forward)
	}
	a.own(func(address *inventory.Address) {
		if !address.Disabled {
			each(&address.To)
		}
	})
}

// maxListed is the largest number of accounts in a message.
const maxListed = 100

// exposed reports the accounts that get mail through catch_all: local.
func (a *advisor) exposed() {
	isAccount := make(map[string]bool, len(a.accounts))
	for _, name := range a.accounts {
		isAccount[mailaddr.Lower(name)] = true
	}
	all := someOf(a.accounts)
	a.served(func(i int, d *inventory.Domain) {
		t := a.catchAll(i)
		if t.Kind != inventory.ToLocal {
			return
		}
		open, names := len(a.accounts), all
		if listed := a.listed(i, isAccount); len(listed) > 0 {
			left := slices.DeleteFunc(slices.Clone(a.accounts), func(name string) bool { return listed[mailaddr.Lower(name)] })
			open, names = len(left), someOf(left)
		}
		if open == 0 {
			return
		}
		pos := d.CatchAll.Pos
		if d.CatchAll.Kind == inventory.NoTarget {
			pos = d.Pos
		}
		f := checkExposed.At(pos, len("local"), "%d local accounts have addresses at %s that nobody listed", open, d.Name)
		f.Text += ": " + names
		a.faults.Add(f.WithHelp("write catch_all: reject, and list those that are to have mail there"))
	})
}

// listed returns the accounts with an address of the same name in a domain.
func (a *advisor) listed(d int, isAccount map[string]bool) map[string]bool {
	listed := map[string]bool{}
	for layer := range a.tables.Layers(d) {
		for i := range layer {
			if address := &layer[i]; address.Form == inventory.Plain && isAccount[address.Local] {
				listed[address.Local] = true
			}
		}
	}
	return listed
}

// someOf returns the first of many names as a text.
func someOf(names []string) string {
	text := strings.Join(names[:min(len(names), maxListed)], ", ")
	if more := len(names) - maxListed; more > 0 {
		text += ", and " + strconv.Itoa(more) + " more"
	}
	return text
}
