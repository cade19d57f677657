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
		w.judgeSides(c, addr, was, is, pair)
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
		if name, _, _ := mailaddr.Split(row.key); row.key == local+"@"+domain || c.delimiter != "" && strings.HasPrefix(local, name+c.delimiter) && row.key == name+"@"+domain {
			return false
		}
	}
	return true
}

// judgeSides compares what the proof believes with what Postfix does.
func (w *siteRun) judgeSides(c *importedSite, addr string, was, is outcome.Outcome, pair mta.Pair) {
	believed, _ := pair.Old.Route(addr)
	if c.becameAccount(addr, believed) {
		w.count("addresses of new accounts, which the proof has on both sides", 1)
	} else if c.lostUser(believed) {
		w.count("addresses of mailboxes whose user is only in comments", 1)
		return
	} else if got := c.mailboxes(c.expand(believed, pair.Old)); !sameMailboxes(got, was) {
		w.retried(c, w.old, addr, func(real outcome.Outcome) bool { return sameMailboxes(got, real) }, func(real outcome.Outcome) {
			w.fail("%s is believed to be %s, and was %s in Postfix", addr, shown(got), shown(real))
		})
	}
	believed, _ = pair.Next.Route(addr)
	if got := c.mailboxes(c.expand(believed, pair.Next)); !sameMailboxes(got, is) {
		w.retried(c, w.next, addr, func(real outcome.Outcome) bool { return sameMailboxes(got, real) }, func(real outcome.Outcome) {
			w.fail("%s is believed to become %s, and is %s in Postfix now", addr, shown(got), shown(real))
		})
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

// retried asks about an address alone, because the log does not say to which of several
// addresses the end of a list with an owner belongs.
func (w *siteRun) retried(c *importedSite, of *runningPostfix, addr string, agrees func(outcome.Outcome) bool, otherwise func(outcome.Outcome)) {
	w.count("addresses asked alone", 1)
	alone, err := of.ask([]string{addr})
	if err != nil {
		w.fail("%s: %v", addr, err)
		return
	}
	if real := c.mailboxes(alone[addr]); !agrees(real) {
		otherwise(real)
	}
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
	p := c.server.Compare(c.inv, []string{addr}, []outcome.Outcome{was}, []outcome.Outcome{is})
	if len(p.Found) == 1 && p.Found[0].Why != "" {
		w.count("for "+c.kind.Name+": differences of addresses beside those of the proof, with a reason", 1)
		return
	}
	w.fail("for %s %s, which the proof does not ask, was %s and is %s, without a reason", c.kind.Name, addr, shown(was), shown(is))
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
