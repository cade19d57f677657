package importer_test

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/mailaddr"
	"virtmap/internal/mta"
	"virtmap/internal/mta/sendmail"
	"virtmap/internal/outcome"
)

// judge judges the answers to addresses.
func (w *siteRun) judge(c *importedSite, addrs []string, old, next map[string]outcome.Outcome) {
	pair, err := c.server.Pair(c.built)
	if err != nil {
		w.fail("%v", err)
		return
	}
	if twice := c.shared(); twice != "" {
		w.fail("%s", twice)
	}
	for _, addr := range addrs {
		w.judgeSides(c, addr, old, next, pair)
		was, is := c.mailboxes(old[addr]), c.mailboxes(next[addr])
		w.count("addresses asked", 1)
		switch {
		case is.Taken && !was.Taken && c.becameAccount(addr, is):
			w.count("addresses of new accounts at the server's own names", 1)
			continue
		case was.Taken:
			w.count("addresses taken", 1)
		default:
			w.count("addresses refused", 1)
		}
		if c.behindHidden(addr) {
			w.count("addresses that only an unread table explains", 1)
			continue
		}
		if !sameMailboxes(was, is) {
			w.judgeNamed(c, addr, was, is)
		}
	}
}

// becameAccount reports whether an address at a name of the server is one of an account
// that was the user of a mailbox.
func (c *importedSite) becameAccount(addr string, is outcome.Outcome) bool {
	local, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
	name, _, _ := strings.Cut(local, "+")
	return slices.Contains(c.users, name) && slices.Contains(append(c.local, siteHost), domain) && slices.Equal(is.Recipients, []string{name})
}

// behindHidden reports whether only a table that the import cannot read says what becomes
// of an address.
func (c *importedSite) behindHidden(addr string) bool {
	local, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
	if len(c.hidden) == 0 || !slices.Contains(c.mailSite.boxes, domain) {
		return false
	}
	for _, row := range c.rows("virtual") {
		if name, _, _ := mailaddr.Split(row.key); row.key == local+"@"+domain || c.delimiter != "" && !strings.Contains(name, c.delimiter) && strings.HasPrefix(local, name+c.delimiter) && row.key == name+"@"+domain {
			return false
		}
	}
	return true
}

// judgeSides compares what the proof believes with what Postfix does. An address that was
// asked alone gets this answer in old and next.
func (w *siteRun) judgeSides(c *importedSite, addr string, old, next map[string]outcome.Outcome, pair mta.Pair) {
	if c.behindHidden(addr) {
		return
	}
	was, is := c.mailboxes(old[addr]), c.mailboxes(next[addr])
	believed, _ := pair.Old.Route(addr)
	switch got := c.mailboxes(c.expand(believed, pair.Old)); {
	case c.becameAccount(addr, c.mailboxes(believed)):
		w.count("addresses of new accounts, which the proof has on both sides", 1)
	case c.lostUser(believed):
		w.count("addresses of mailboxes whose user is only in comments", 1)
		return
	case !sameMailboxes(got, was):
		if old[addr] = w.alone(w.old, addr); !sameMailboxes(got, c.mailboxes(old[addr])) {
			w.fail("%s is believed to be %s, and was %s in Postfix", addr, shown(got), shown(c.mailboxes(old[addr])))
		}
	}
	believed, _ = pair.Next.Route(addr)
	if got := c.mailboxes(c.expand(believed, pair.Next)); !sameMailboxes(got, is) {
		if next[addr] = w.alone(w.next, addr); !sameMailboxes(got, c.mailboxes(next[addr])) {
			w.fail("%s is believed to become %s, and is %s in Postfix now", addr, shown(got), shown(c.mailboxes(next[addr])))
		}
	}
}

// lostUser reports whether a recipient is the user of a mailbox, and all rows that lead to
// the user became comments.
func (c *importedSite) lostUser(o outcome.Outcome) bool {
	return slices.ContainsFunc(o.Recipients, func(to string) bool {
		name := c.withoutDetail(to)
		_, isAlias := c.aliases[name]
		known := isAlias || slices.Contains(c.users, name) || slices.Contains(siteAccounts, name)
		return !known && !strings.ContainsAny(to, "@/|") && c.server.Account(name)
	})
}

// alone asks about an address alone, because the log does not say to which of several
// addresses the end of a list with an owner belongs.
func (w *siteRun) alone(of *runningPostfix, addr string) outcome.Outcome {
	w.count("addresses asked alone", 1)
	all, err := of.ask([]string{addr})
	if err != nil {
		w.fail("%s: %v", addr, err)
	}
	return all[addr]
}

// judgeNamed looks for the reason of a difference in the proof.
func (w *siteRun) judgeNamed(c *importedSite, addr string, was, is outcome.Outcome) {
	d, named := c.named[addr]
	_, domain, _ := mailaddr.Split(mailaddr.Lower(addr))
	switch {
	case !was.Taken && !is.Taken && !slices.Contains(c.domains(), domain):
		w.count("addresses of other domains that both sides refuse in other words", 1)
		return
	case !was.Taken && !is.Taken && c.kind == sendmail.Server && mta.Unsayable(domain) != "":
		w.count("addresses with U-labels, which sendmail does not take", 1)
		return
	case named && d.Why != "":
		w.count("for "+c.kind.Name+": differences with a reason in the proof", 1)
		w.count("for "+c.kind.Name+": "+generalized(d.Why), 1)
		return
	case named:
		w.fail("for %s %s was %s and is %s: the proof has no reason", c.kind.Name, addr, shown(was), shown(is))
		return
	case c.asked[addr]:
		w.fail("for %s %s was %s and is %s: the proof does not find it", c.kind.Name, addr, shown(was), shown(is))
		return
	}
	switch {
	case c.hasReason(addr, was, is):
		w.count("for "+c.kind.Name+": differences of addresses beside those of the proof, with a reason", 1)
		return
	case c.memberHasReason(addr):
		w.count("for "+c.kind.Name+": differences of a member of a list with an owner, with a reason", 1)
		return
	}
	w.fail("for %s %s, which the proof does not ask, was %s and is %s, without a reason", c.kind.Name, addr, shown(was), shown(is))
}

// hasReason reports whether there is a reason for a difference.
func (c *importedSite) hasReason(addr string, was, is outcome.Outcome) bool {
	p := c.server.Compare(c.inv, []string{addr}, []outcome.Outcome{was}, []outcome.Outcome{is})
	return len(p.Found) == 1 && p.Found[0].Why != ""
}

// memberHasReason reports whether an address is a list of the alias file with an owner, and
// there is a reason for a difference of one of its members. Postfix sends the mail of such
// a list on as a new message to the address of each member.
func (c *importedSite) memberHasReason(addr string) bool {
	local, _, _ := mailaddr.Split(mailaddr.Lower(addr))
	name := c.withoutDetail(local)
	if _, owned := c.aliases["owner-"+name]; !owned {
		return false
	}
	for member := range strings.SplitSeq(c.aliases[name], ",") {
		to := strings.TrimSpace(member) + "@" + siteHost
		was, _ := c.server.Route(to)
		is, _ := c.built.Route(to)
		if c.hasReason(to, was, is) {
			return true
		}
	}
	return false
}

// generalized returns a reason without addresses and paths.
func generalized(why string) string {
	words := strings.Fields(why)
	for i, word := range words {
		if strings.ContainsAny(word, "@./") {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// shown shows an outcome.
func shown(o outcome.Outcome) string {
	if o.Taken {
		return fmt.Sprintf("%q %s", o.Recipients, o.Text)
	}
	return fmt.Sprintf("%d %s %s", o.Code, o.Status, o.Text)
}
