package change

import (
	"cmp"
	"slices"
	"strings"

	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// A Sender is a user who got or lost the right to send from an address.
type Sender struct {
	outcome.Login
	Kind Kind // Added or Removed

	// Same says that mail to the address goes where it went. A right that is lost with
	// the mail of an address is no surprise.
	Same bool
}

// senders compares the rights of two sets. Without a table in both, there is nothing to
// compare: Logins says that the table is new or gone.
func (c *comparer) senders() error {
	old, known := c.pair.Old.(mta.SendingRows)
	next, both := c.pair.Next.(mta.SendingRows)
	if !known || !both {
		return nil
	}
	c.Unsigned = missing(old.Signed(), next.Signed())
	switch was, is := old.Authorises(), next.Authorises(); {
	case is && !was:
		c.Logins = Added
	case was && !is:
		c.Logins = Removed
	case was:
		return c.rights(old, next)
	}
	return nil
}

// rights finds the rights that only one of the sets has.
func (c *comparer) rights(old, next mta.SendingRows) error {
	was, err := old.Rights()
	if err != nil {
		return err
	}
	is, err := next.Rights()
	if err != nil {
		return err
	}
	for len(was) > 0 || len(is) > 0 {
		switch order := compareLogins(was, is); {
		case order < 0:
			c.sender(was[0], Removed)
			was = was[1:]
		case order > 0:
			c.sender(is[0], Added)
			is = is[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
	return nil
}

// compareLogins compares the first logins of two lists. A list at its end comes last.
func compareLogins(a, b []outcome.Login) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Or(strings.Compare(a[0].From, b[0].From), strings.Compare(a[0].User, b[0].User))
}

func (c *comparer) sender(l outcome.Login, kind Kind) {
	local, domain, _ := strings.Cut(l.From, "@")
	addr, _ := c.example(row{domain: domain, local: local})
	was, _ := c.pair.Old.Route(addr)
	is, _ := c.pair.Next.Route(addr)
	c.Senders = append(c.Senders, Sender{Login: l, Kind: kind, Same: was.Taken && is.Taken && same(&was, &is)})
}

// missing returns the names of a sorted list that another sorted list does not have.
func missing(all, of []string) (lost []string) {
	for _, name := range all {
		if _, has := slices.BinarySearch(of, name); !has {
			lost = append(lost, name)
		}
	}
	return lost
}

// senderAlarms raises the alarms about mail that is sent.
func (c *Change) senderAlarms(l Limits, alarm func(guard, format string, args ...any)) {
	lost := slices.DeleteFunc(slices.Clone(c.Senders), func(s Sender) bool { return s.Kind != Removed || !s.Same })
	switch more := len(lost) - 1; {
	case more == 0:
		alarm(Sends, "%s may not send from %s any more, though its mail goes where it went", lost[0].User, lost[0].From)
	case more > 0:
		alarm(Sends, "%s may not send from %s any more, and %d more rights are lost, though the mail goes where it went", lost[0].User, lost[0].From, more)
	}
	if c.Logins == Removed {
		alarm(Sends, "users who log in are not checked any more: each may send from every address")
	}
	for _, domain := range c.Unsigned {
		if l.Inventory(domain) {
			alarm(Signed, "mail from %s is not signed any more", domain)
		}
	}
}
