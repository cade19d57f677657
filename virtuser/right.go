package virtuser

import (
	"strconv"
	"strings"

	"virtmap/internal/follow"
	"virtmap/inventory"
)

// right returns the right side for a target of an address. An empty local is the
// catch-all.
func (c *compiler) right(t inventory.Target, keep bool, local, domain string) string {
	way := c.follow.Way(&t, keep, local, domain)
	switch way.Kind {
	case follow.SameAddress:
		return "%1%3@" + way.Addr
	case follow.ByPattern:
		return rightOf(c.m.Pattern(&t))
	case follow.LookUp:
		return withDetail(escaped(way.Addr))
	case follow.Waiting:
		return `error:4.4.4:"450 mail for ` + way.Addr + ` is not taken here yet"`
	}
	right := c.goal(&way.Goal)
	switch {
	case way.Goal.Kind == follow.Refused:
		return right
	case way.Keep:
		return withDetail(escaped(right))
	}
	return escaped(right)
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
