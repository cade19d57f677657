package virtuser

import (
	"slices"
	"strconv"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/inventory"
)

// right returns the right side for a target of an address. An empty local is the
// catch-all.
func (c *compiler) right(t inventory.Target, keep bool, local, domain string) string {
	switch t.Kind {
	case inventory.ToDomain:
		if c.tables.Held(t.Text) {
			return c.waits(t, t.Text, label(local, domain))
		}
		return "%1%3@" + t.Text
	case inventory.ToAddress:
		return c.followed(t, keep, label(local, domain))
	case inventory.ToPattern:
		if _, at, _ := mailaddr.Split(t.Text); c.tables.Held(at) {
			return c.waits(t, at, label(local, domain))
		}
		return rightOf(c.m.Pattern(&t))
	}
	value := c.constant(t)
	if forward, ok := c.tables.Forward(&t); ok && keep {
		return c.followed(inventory.Target{Kind: inventory.ToAddress, Text: forward, Pos: c.m.Users[t.Index].Forward.Pos}, keep, label(local, domain))
	}
	if t.Kind == inventory.Refused {
		return value
	}
	if keep {
		return withDetail(escaped(value))
	}
	return escaped(value)
}

// label returns the name of an address or a catch-all in messages.
func label(local, domain string) string {
	if local == "" {
		return "the catch-all of " + domain
	}
	return local + "@" + domain
}

// Waits returns those faults of a compilation that are about mail that waits for a
// domain that is held back.
func Waits(faults *diag.List) []diag.Fault {
	return slices.DeleteFunc(slices.Clone(faults.Faults()), func(f diag.Fault) bool { return f.Check != checkWaits })
}

// waits returns a right side that defers mail for a domain that is held back.
func (c *compiler) waits(t inventory.Target, domain, what string) string {
	c.faults.Add(checkWaits.At(t.Pos, max(1, len(t.Written())), "%s leads to %s, which is held back: its mail is deferred until then", what, domain).
		WithHelp("name a user or an address that is not in %s, if it must not wait", domain))
	return `error:4.4.4:"450 mail for ` + domain + ` is not taken here yet"`
}

// constant returns the right side of a target that is the same for every address: a
// name, or the text of a refusal. The caller follows a target that is an address.
func (c *compiler) constant(t inventory.Target) string {
	switch t.Kind {
	case inventory.ToUser:
		return c.user(int(t.Index))
	case inventory.ToAlias:
		return c.m.LocalAliases[t.Index].Text
	case inventory.ToList:
		return c.list(int(t.Index))
	case inventory.Refused:
		return c.refusal(t.Index)
	}
	return ""
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

// checkParams reports a target with a parameter that is empty for the key. An empty key
// is the catch-all.
func (c *compiler) checkParams(a *inventory.Address) {
	p := c.m.Pattern(&a.To)
	if p == nil {
		return
	}
	detail, plus := "", "+" // of an address such as user+, with an empty detail
	switch a.Form {
	case inventory.Plain:
		plus = ""
	case inventory.SomeDetail, inventory.SomeUser:
		detail, plus = "x", "+x"
	case inventory.ExactDetail:
		c.checkOwnDetail(a, p)
		return
	}
	if p.Expand("x", detail, plus)[0] == '@' {
		c.faults.Add(checkParams.At(a.To.Pos, len(a.To.Text), "%q has nothing before its @ for an address without a detail", a.To.Text).
			WithHelp("%%1 is the user, and always there; a key such as user++ stands for details only"))
	}
}

// checkOwnDetail reports the use of a detail in the target of a key with an exact
// detail.
func (c *compiler) checkOwnDetail(a *inventory.Address, p inventory.Pattern) {
	for _, kind := range []inventory.PartKind{inventory.PartDetail, inventory.PartPlusDetail} {
		if p.Has(kind) {
			c.faults.Add(checkParams.At(a.To.Pos, len(a.To.Text), "%s is empty for the key %q: one address has no detail of its own, %%1 is all of it", parameters[kind], a.Local).
				WithHelp("write the detail out, or the key %s+*", a.User()))
			return
		}
	}
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
