package exim

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// Domains of virtmap's own. No DNS has them (RFC 2606 section 2), and strangers may not
// send to them.
const (
	ownDomains     = ".virtmap.invalid"
	accountsDomain = "accounts" + ownDomains // accounts, if the host's own name has rows
	mailboxDomain  = "mailbox" + ownDomains  // mailboxes elsewhere
)

// Beginnings of values.
const (
	failWord  = "fail: "
	deferWord = "defer: "
	onWord    = "on: "
	localWord = "local" // the whole value
)

// value returns the value of a row for a target.
func (c *compiler) value(t *inventory.Target, keep bool, r *row) string {
	way := c.follow.Way(t, keep, r.local, r.domain)
	switch way.Kind {
	case follow.Waiting:
		return deferWord + "450 4.4.4 mail for " + way.Addr + " is not taken here yet"
	case follow.SameAddress:
		return c.on(way.Addr) + quoted("$local_part") + "@" + way.Addr
	case follow.ByPattern:
		return c.pattern(c.m.Pattern(t), r)
	case follow.LookUp:
		local, domain, _ := mailaddr.Split(way.Addr)
		return c.on(domain) + address(local, domain, true)
	}
	return c.goal(&way.Goal, way.Keep, r)
}

// on returns the beginning of the value of an address that is made of the address of the
// mail: on: if this server decides what becomes of it.
func (c *compiler) on(domain string) string {
	if _, served := c.m.Serves(c.m.Meant(domain)); served || c.m.IsHostName(c.m.Meant(domain)) {
		return onWord
	}
	return ""
}

// pattern returns the value for a pattern. For a key with a detail of its own, %1 is the
// whole local part.
func (c *compiler) pattern(p inventory.Pattern, r *row) string {
	user := "${r_user}"
	if r.form == inventory.ExactDetail {
		user = "${local_part}"
	}
	var out strings.Builder
	for _, part := range p {
		out.WriteString([...]string{escaped(part.Text), user, "${r_detail}", "${r_plus}"}[part.Kind])
	}
	text := out.String()
	at := strings.LastIndexByte(text, '@')
	return c.on(text[at+1:]) + quoted(text[:at]) + text[at:]
}

// goal returns the value for a goal: a reply, or recipients with the sender of the copies.
func (c *compiler) goal(g *follow.Goal, keep bool, r *row) string {
	plain := g.Kind == follow.User && !keep && g.WithPlus("") == ""
	switch {
	case g.Kind == follow.Refused:
		if c.replies[g.Index] == "" {
			c.replies[g.Index] = replyOf(c.m.Refusals[g.Index])
		}
		return c.replies[g.Index]
	case plain && c.users[g.Index] != "":
		return c.users[g.Index]
	case plain:
		c.users[g.Index] = strings.Join(c.recipients(g, keep, r), ", ")
		return c.users[g.Index]
	}
	owner := ""
	if g.Kind == follow.List {
		if c.m.Lists[g.Index].BouncesTo.Kind != inventory.NoTarget {
			owner = "<" + c.owner(int(g.Index), r) + "> "
		}
	}
	return owner + strings.Join(c.recipients(g, keep, r), ", ")
}

// replyOf returns the value of a refusal.
func replyOf(r inventory.Refusal) string {
	word := failWord
	if r.Code < 500 {
		word = deferWord
	}
	return word + strconv.Itoa(r.Code) + " " + r.Status + " " + escaped(r.Text)
}

// recipients returns the recipients of a goal, each once.
func (c *compiler) recipients(g *follow.Goal, keep bool, r *row) (all []string) {
	members := c.members(g)
	if len(members) > 1 {
		keep = false // a list drops the detail
	}
	for i := range members {
		m := &members[i]
		to := c.recipient(m, keep && g.Kind != follow.List, r)
		if to != "" && !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	return all
}

// members returns the recipients of a goal. A list with an owner in another list stays the
// address that the inventory has for it, so that its bounces go to its own owner.
func (c *compiler) members(g *follow.Goal) []follow.Goal {
	if g.Kind != follow.List {
		return c.follow.Flat(*g)
	}
	var all []follow.Goal
	goals := c.follow.List(int(g.Index)).Members
	for i, t := range c.m.Lists[g.Index].Members {
		inner := goals[i]
		owned := inner.Kind == follow.List && c.m.Lists[inner.Index].BouncesTo.Kind != inventory.NoTarget
		if _, domain, ok := mailaddr.Split(t.Text); owned && ok && t.Kind == inventory.ToAddress && !c.tables.Held(domain) {
			all = append(all, follow.Goal{Kind: follow.Elsewhere, Addr: t.Text})
			continue
		}
		all = append(all, c.follow.Flat(inner)...)
	}
	return all
}

// recipient returns the address of a recipient. A mailbox elsewhere has no details.
func (c *compiler) recipient(g *follow.Goal, keep bool, r *row) string {
	switch g.Kind {
	case follow.User:
		u := &c.m.Users[g.Index]
		if u.Mailbox.Text != "" {
			return address(u.Name.Text, mailboxDomain, false)
		}
		return c.account(g.WithPlus(u.Name.Text), keep, r)
	case follow.Alias:
		return c.account(g.WithPlus(c.m.LocalAliases[g.Index].Text), keep, r)
	case follow.Account:
		return c.account(g.Addr, keep, r)
	}
	local, domain, _ := mailaddr.Split(g.WithPlus(g.Addr))
	return address(local, domain, keep)
}

// account returns the address of an account.
func (c *compiler) account(name string, keep bool, r *row) string {
	if keep {
		c.noteDetail(r)
	}
	return address(name, c.accounts, keep)
}

// owner returns the address to which bounces of a list go. It must be one that another
// server can send to. If the owner has no such address, it gets a row of its own beside
// that of the list.
func (c *compiler) owner(list int, r *row) string {
	t := &c.m.Lists[list].BouncesTo
	_, domain, _ := mailaddr.Split(t.Text)
	switch {
	case t.Kind == inventory.ToAddress && !c.tables.Held(domain):
		return withoutExpansion(t.Text)
	case c.accounts == accountsDomain:
	case t.Kind == inventory.ToUser && c.m.Users[t.Index].Mailbox.Text == "" && c.m.Users[t.Index].Forward.Kind == inventory.NoTarget:
		return address(c.m.Users[t.Index].Name.Text, c.accounts, false)
	case t.Kind == inventory.ToAlias:
		return address(c.m.LocalAliases[t.Index].Text, c.accounts, false)
	}
	local := strings.ReplaceAll(ownerPrefix+r.local, "+", "=")
	local = local[:min(len(local), maxLocal)]
	if goal := c.follow.List(list).BouncesTo; !c.owned[local+"@"+r.domain] {
		c.owned[local+"@"+r.domain] = true
		c.owners = append(c.owners, [2]string{local + "@" + r.domain, c.goal(&goal, false, r)})
	}
	return address(local, r.domain, false)
}

// ownerPrefix is the beginning of the addresses of owners, and maxLocal the longest local
// part (RFC 5321 section 4.5.3.1.1).
const (
	ownerPrefix = "virtmap-owner-"
	maxLocal    = 64
)

// withoutExpansion returns an address as a value has it.
func withoutExpansion(addr string) string {
	local, domain, _ := mailaddr.Split(addr)
	return address(local, domain, false)
}

// noteDetail makes the fault of the first detail that is kept for an account.
func (c *compiler) noteDetail(r *row) {
	if c.note != nil {
		return
	}
	note := checkDetail.At(r.pos, max(1, len(r.local)), "%s keeps the detail for an account, and Exim delivers without it", follow.Label(r.local, r.domain)).
		WithHelp("nothing to do if the header Envelope-to is enough; a router of your own with local_part_suffix sees the detail")
	c.note = &note
}

// address returns an address as a value has it. plus: the detail of the mail is added.
func address(local, domain string, plus bool) string {
	if plus {
		return quoted(escaped(local)+"${r_plus}") + "@" + domain
	}
	return escaped(withQuotes(local)) + "@" + domain
}

// quoted returns a text that Exim quotes after it was expanded.
func quoted(text string) string { return "${quote_local_part:" + text + "}" }

// withQuotes returns a local part with quotes if it needs them, or if Exim could take it
// for a file, a program or a comment.
func withQuotes(local string) string {
	odd := func(c rune) bool { return !isPlain(c) }
	if strings.ContainsFunc(local, odd) || strings.IndexByte("#/|.", local[0]) >= 0 || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	return local
}

// isPlain reports whether a local part may have a character without quotes (RFC 5322).
func isPlain(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", c)
}

// escaped returns a text that is the same after Exim has expanded it.
func escaped(text string) string { return expanded.Replace(text) }

var expanded = strings.NewReplacer(`\`, `\\`, `$`, `\$`, `{`, `\{`, `}`, `\}`)

// A row is the row that is made.
type row struct {
	local, domain string
	form          inventory.Form
	pos           diag.Pos
}
