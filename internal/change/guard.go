package change

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/outcome"
)

// Limits decide which changes are taken for an accident.
type Limits struct {
	MaxRemovedPercent int // percentage of the addresses of the run, and of each domain
	MinSize           int // tables with fewer addresses have no guard

	// Inventory reports whether the inventory has a domain. A domain that is disabled
	// or held back did not vanish.
	Inventory func(domain string) bool
	// Count is the number of domains in the inventory.
	Count int
}

// Words of the guards, for --allow.
const (
	Empty      = "empty"      // the inventory has no domain left
	Vanished   = "vanished"   // a domain is no longer in the inventory
	TooMany    = "removed"    // too many addresses are removed or redirected
	Postmaster = "postmaster" // mail to postmaster or abuse is no longer taken
	Outside    = "outside"    // a catch-all now leads to other servers
	Unwired    = "unwired"    // the server does not read a file that rows lead to
	Sends      = "senders"    // a user loses the right to send from an address, or every user gets it
	Signed     = "unsigned"   // mail from a domain is not signed any more
)

// Guards are all words, each with the accident that it guards against.
var Guards = [][2]string{
	{Empty, "an inventory without domains"},
	{Vanished, "a domain that is not in the inventory any more"},
	{TooMany, "more addresses removed or redirected than guards.max_removed"},
	{Postmaster, "a domain whose postmaster or abuse is refused now"},
	{Outside, "a catch-all that leads to other servers now"},
	{Unwired, "files that lead to others which the server does not read yet"},
	{Sends, "a user who may not send any more from an address whose mail goes where it went, or logins that are not checked any more"},
	{Signed, "a domain whose mail is not signed any more"},
}

// An Alarm is a change that looks like an accident.
type Alarm struct {
	Guard string `json:"guard"` // the word of the guard
	Text  string `json:"text"`
}

// Alarms returns the changes that look like an accident. The guards in allowed raise no
// alarm. A new domain raises no alarm, whatever it has.
func (c *Change) Alarms(l Limits, allowed []string) []Alarm {
	var alarms []Alarm
	alarm := func(guard, format string, args ...any) {
		if !slices.Contains(allowed, guard) {
			alarms = append(alarms, Alarm{guard, fmt.Sprintf(format, args...)})
		}
	}
	gone := slices.ContainsFunc(c.Domains, func(d Domain) bool { return d.State == Gone })
	if (c.Before > 0 || gone) && l.Count == 0 {
		alarm(Empty, "the inventory has no domains any more, and %s installed", are(c.Before))
	}
	lost := 0
	for i := range c.Domains {
		d := &c.Domains[i]
		switch {
		case d.State == Gone && l.Count > 0 && !l.Inventory(d.Name):
			alarm(Vanished, "%s is not in the inventory any more, and %s installed; enabled: false takes a domain out on purpose", d.Name, are(d.Before))
		case d.State == Changed:
			n := d.lost()
			lost += n
			if l.exceeded(n, d.Before) {
				alarm(TooMany, "%s: %d of %d addresses are removed or redirected", d.Name, n, d.Before)
			}
			d.particular(alarm)
		}
	}
	if l.exceeded(lost, c.Before) {
		alarm(TooMany, "%d of %d addresses are removed or redirected", lost, c.Before)
	}
	c.senderAlarms(l, alarm)
	return alarms
}

func are(addresses int) string {
	switch addresses {
	case 0:
		return "no address is"
	case 1:
		return "1 address is"
	}
	return fmt.Sprintf("%d addresses are", addresses)
}

func (l Limits) exceeded(lost, of int) bool {
	return of >= l.MinSize && lost*100 > l.MaxRemovedPercent*of
}

// lost counts the addresses that were taken, and are removed or go elsewhere now. The
// catch-all does not count.
func (d *Domain) lost() (n int) {
	for i := range d.Addresses {
		if a := &d.Addresses[i]; a.Old.Taken && !strings.HasPrefix(a.Key, "@") && a.Kind != Added {
			n++
		}
	}
	return n
}

// outside reports whether mail leaves for another server. A copy that stays does not
// matter.
func outside(o *outcome.Outcome) bool {
	return o.Taken && slices.ContainsFunc(o.Recipients, func(r string) bool { return strings.Contains(r, "@") && !strings.HasPrefix(r, "/") })
}

// particular raises the alarms of single addresses.
func (d *Domain) particular(alarm func(guard, format string, args ...any)) {
	for i := range d.Addresses {
		a := &d.Addresses[i]
		local, _, _ := strings.Cut(a.Key, "@")
		switch {
		case (local == "postmaster" || local == "abuse") && a.Old.Taken && !a.New.Taken:
			alarm(Postmaster, "%s is refused now", a.Key)
		case local == "" && outside(&a.New) && !outside(&a.Old):
			alarm(Outside, "every address of %s that is not listed goes to %s now", d.Name, strings.Join(a.New.Recipients, ", "))
		}
	}
}
