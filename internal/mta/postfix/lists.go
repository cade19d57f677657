package postfix

import (
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/inventory"
)

// An alias is a row of virtmap-aliases: a list whose bounces go to an owner. Only
// local(8) gives a list another envelope sender, so that such a list is an alias.
type alias struct {
	name    string
	members []string
	owner   string
}

// aliasPrefix is the beginning of the names of all aliases of virtmap.
const aliasPrefix = "virtmap-"

// maxAliasName is the longest name of an alias, in bytes. Postfix takes longer names,
// and owner- and a domain still fit into 256 bytes.
const maxAliasName = 220

// nameAliases gives a name to each list that has an owner: the name of the address
// that declares the list. A copy of a domain leads to the alias of its source.
func (c *compiler) nameAliases() {
	for _, l := range c.follow.Listings() {
		if c.m.Lists[l.List].BouncesTo.Kind == inventory.NoTarget {
			continue
		}
		parts := l.Local
		switch {
		case l.Domain != "":
			parts += "=" + l.Domain
		case parts == "":
			parts = "catch-all"
		}
		c.aliases[l.List] = &alias{name: c.aliasName(parts)}
	}
}

// aliasName returns a name that no user, local alias or other alias has.
func (c *compiler) aliasName(parts string) string {
	name := aliasPrefix + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', strings.ContainsRune("._=-", r):
			return r
		case r == '+' || r == '*':
			return '='
		}
		return '-'
	}, parts)
	name = name[:min(len(name), maxAliasName)]
	name = unique(name, func(name string) bool { return c.taken[name] })
	c.taken[name] = true
	return name
}

// list returns the recipients of a list: its members, or its alias.
func (c *compiler) list(i int) string {
	l, a := &c.m.Lists[i], c.aliases[i]
	if c.lists[i] == "" && a != nil {
		c.lists[i] = c.account(a.name)
		c.follow.List(i)
		a.members = c.members(l.Members)
		a.owner = strings.Join(c.members([]inventory.Target{l.BouncesTo}), ", ")
	}
	if c.lists[i] == "" {
		c.follow.List(i)
		c.lists[i] = strings.Join(c.members(l.Members), ", ")
	}
	return c.lists[i]
}

// aliasRows returns the aliases that rows lead to, sorted, as rows of a map.
func (c *compiler) aliasRows() mapfile.Pairs {
	var rows mapfile.Pairs
	for _, a := range c.aliases {
		if a != nil && a.members != nil {
			rows = append(rows, [2]string{a.name, strings.Join(a.members, ", ")}, [2]string{"owner-" + a.name, a.owner})
		}
	}
	for name, w := range c.deferrals {
		rows = append(rows, [2]string{name, w.addr})
	}
	slices.SortFunc(rows, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return rows
}

// aliasText returns the text of virtmap-aliases. It has the form of postmap(1), without
// colons, so that it can be read as texthash too.
func aliasText(m *inventory.Model, rows mapfile.Pairs) *rowText {
	r := newRows(m, "Aliases of the virtual addresses")
	for _, row := range rows {
		r.AddKey(row[0], row[1], 0)
	}
	return r
}
