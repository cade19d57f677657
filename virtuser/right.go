package virtuser

import (
	"strconv"
	"strings"

	"virtmap/internal/follow"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// right returns the right side for a target of an address. An empty local is the
// catch-all.
func (c *compiler) right(t inventory.Target, keep bool, local, domain string) string {
	switch t.Kind {
	case inventory.ToDomain:
		if c.tables.Held(t.Text) {
			return c.waits(&t, t.Text, follow.Label(local, domain))
		}
		return "%1%3@" + t.Text
	case inventory.ToAddress:
		return c.followed(&t, keep, follow.Label(local, domain))
	case inventory.ToPattern:
		if _, at, _ := mailaddr.Split(t.Text); c.tables.Held(at) {
			return c.waits(&t, at, follow.Label(local, domain))
		}
		return rightOf(c.m.Pattern(&t))
	}
	goal := c.follow.Goal(&t)
	value := c.goal(&goal)
	if forward, ok := c.tables.Forward(&t); ok && keep {
		next := inventory.Target{Kind: inventory.ToAddress, Text: forward, Pos: c.m.Users[t.Index].Forward.Pos}
		return c.followed(&next, keep, follow.Label(local, domain))
	}
	if t.Kind == inventory.Refused {
		return value
	}
	if keep {
		return withDetail(escaped(value))
	}
	return escaped(value)
}

// followed returns the right side for a target that is an address: the end of the
// address, or the address itself if its end depends on the detail. keep says that the
// row keeps the detail. what is the name of the row in messages.
func (c *compiler) followed(t *inventory.Target, keep bool, what string) string {
	e := c.follow.From(what, t.Text)
	if !c.follow.Report(&e, t, what) {
		return escaped(t.Text)
	}
	right := c.goal(&e.Goal)
	if e.Kind != follow.Refused {
		right = escaped(right)
	}
	if !keep {
		return right
	}
	switch c.follow.Keeping(t.Text) {
	case follow.Added:
		return withDetail(right)
	case follow.Dropped:
		return right
	}
	if _, domain, _, _ := c.tables.Locate(t.Text); c.tables.Held(domain) { // the domain is not served: sendmail would not look the address up again
		return c.waits(t, domain, what)
	}
	return withDetail(escaped(t.Text))
}

// waits returns a right side that defers mail for a domain that is held back.
func (c *compiler) waits(t *inventory.Target, domain, what string) string {
	c.follow.Waits(t, domain, what)
	return `error:4.4.4:"450 mail for ` + domain + ` is not taken here yet"`
}

// goal returns the right side for a goal, which is the same for every address: a name, an
// address, or the text of a refusal. It is not escaped.
func (c *compiler) goal(g *follow.Goal) string {
	switch g.Kind {
	case follow.User:
		return g.WithPlus(c.user(int(g.Index)))
	case follow.Alias:
		return g.WithPlus(c.m.LocalAliases[g.Index].Text)
	case follow.List:
		return g.WithPlus(c.lists[g.Index].Name)
	case follow.Refused:
		return c.refusal(g.Index)
	}
	return g.WithPlus(g.Addr)
}

// user returns the right side for mail that a user's own mailbox gets: the account; or an
// alias of virtmap, for a mailbox elsewhere or a kept copy.
func (c *compiler) user(i int) string {
	if c.mailboxes[i] != nil {
		return c.mailboxes[i].Name
	}
	return c.m.Users[i].Name.Text
}

// refusal returns the right side of a refusal. Code and text are quoted. In a text
// without quotes, sendmail drops the blanks around ; , : . @ % and everything in
// parentheses, and doubles percent signs.
func (c *compiler) refusal(i uint32) string {
	if c.refusals[i] == "" {
		r := c.m.Refusals[i]
		text := strings.ReplaceAll(r.Text, "%", "%%")
		c.refusals[i] = `error:` + r.Status + `:"` + strconv.Itoa(r.Code) + ` ` + text + `"`
	}
	return c.refusals[i]
}

// parameters are the parts of a pattern as a right side has them.
var parameters = [...]string{inventory.PartUser: "%1", inventory.PartDetail: "%2", inventory.PartPlusDetail: "%3"}

// rightOf returns a pattern as a right side.
func rightOf(p inventory.Pattern) string {
	var out strings.Builder
	for _, part := range p {
		out.WriteString(parameters[part.Kind])
		out.WriteString(escaped(part.Text))
	}
	return out.String()
}

// withDetail appends %3 to the user of a right side.
func withDetail(right string) string {
	if at := strings.LastIndexByte(right, '@'); at >= 0 {
		return right[:at] + "%3" + right[at:]
	}
	return right + "%3"
}

// escaped returns a name or an address as a right side has it: each percent sign is
// doubled.
func escaped(addr string) string { return strings.ReplaceAll(addr, "%", "%%") }
