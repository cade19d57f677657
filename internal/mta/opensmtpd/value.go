package opensmtpd

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/follow"
	"virtmap/inventory"
)

// Domains of virtmap's own. No DNS has them (RFC 2606 section 2), and strangers may not
// send to them.
const (
	accountsDomain = "accounts.virtmap.invalid" // accounts and aliases of the server
	maildirDomain  = "mailbox.virtmap.invalid"  // Maildirs elsewhere
	mboxDomain     = "mbox.virtmap.invalid"     // mailboxes elsewhere that are files
)

// errorWord is the beginning of a right side that refuses mail.
const errorWord = "error:"

// value returns the right side for a goal: a reply, or recipients.
func (c *compiler) value(g *follow.Goal, r *row, domain string) string {
	if g.Kind == follow.Refused {
		return replyOf(c.m.Refusals[g.Index])
	}
	var all []string
	for _, member := range c.follow.Flat(*g) {
		to := c.recipient(&member)
		if to != "" && strings.IndexByte("/|:", to[0]) >= 0 {
			c.faults.Add(checkAddress.At(r.pos, max(1, len(r.local)), "%s leads to %s, which is a file or a program to OpenSMTPD", follow.Label(r.local, domain), to).
				WithHelp("begin it with a letter or a digit"))
		}
		if to = escaped(to); !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	value := strings.Join(all, ", ")
	if len(value) > maxValue && !c.told[r.pos] {
		c.told[r.pos] = true
		c.faults.Add(checkLong.At(r.pos, max(1, len(r.local)), "%s has %d recipients, with %d bytes on one line, and OpenSMTPD takes %d", follow.Label(r.local, domain), len(all), len(value), maxValue).
			WithHelp("give the list to a list manager, or to an alias of the server"))
	}
	return value
}

// replyOf returns the right side of a refusal.
func replyOf(r inventory.Refusal) string {
	return errorWord + strconv.Itoa(r.Code) + " " + r.Status + " " + escaped(r.Text)
}

// recipient returns the address of a recipient.
func (c *compiler) recipient(g *follow.Goal) string {
	switch g.Kind {
	case follow.User:
		u := &c.m.Users[g.Index]
		switch {
		case u.Mailbox.Text == "":
			return g.WithPlus(u.Name.Text) + "@" + accountsDomain
		case strings.HasSuffix(u.Mailbox.Text, "/"):
			return u.Name.Text + "@" + maildirDomain
		}
		return u.Name.Text + "@" + mboxDomain
	case follow.Alias:
		return g.WithPlus(c.m.LocalAliases[g.Index].Text) + "@" + accountsDomain
	case follow.Account:
		return g.Addr + "@" + accountsDomain
	}
	return g.WithPlus(g.Addr)
}
