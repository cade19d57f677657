package virtuser

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/internal/follow"
	"virtmap/inventory"
)

// Aliases are the rows of virtmap-aliases, sorted by name.
type Aliases struct {
	All []*Alias

	title  string
	taken  map[string]bool // names of users, local aliases and aliases of virtmap
	filled map[string]bool // names in All
}

// An Alias is a name made by virtmap, and the recipients it stands for.
type Alias struct {
	Name    string
	Members []string
	Owner   string // gets the bounces, by the row owner-Name; empty: the sender gets them

	label    string // what the alias is for, in words of the inventory
	pos      diag.Pos
	ownerPos diag.Pos
	have     map[string]bool // Members as a set, while they are added
}

func newAliases(m *inventory.Model) *Aliases {
	a := &Aliases{title: header("Aliases of the virtual addresses of "+m.Host.Name.Text, m.Name), taken: map[string]bool{}, filled: map[string]bool{}}
	for _, u := range m.Users {
		a.taken[u.Name.Text] = true
	}
	for _, n := range m.LocalAliases {
		a.taken[n.Text] = true
	}
	return a
}

// maxAliasName leaves room for owner- before a name and for a part after it. sendmail's
// MAXNAME is 256.
const maxAliasName = 220

// name returns a name that no user, local alias or other alias has. It is made of
// parts. A plus becomes =, because a plus would begin a detail. A character with a
// meaning in alias files becomes -. If the name is taken, a number is added.
func (a *Aliases) name(parts string) string {
	name := "virtmap" + strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.ContainsRune("._=*-", c):
			return c
		case c == '+':
			return '='
		}
		return '-'
	}, parts)
	return a.unique(name[:min(len(name), maxAliasName)])
}

func (a *Aliases) unique(name string) string {
	unique := name
	for n := 2; a.taken[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", name, n)
	}
	a.taken[unique] = true
	return unique
}

// finish splits aliases that are too long, and sorts all.
func (a *Aliases) finish() {
	for _, alias := range a.All {
		a.split(alias)
	}
	slices.SortFunc(a.All, func(x, y *Alias) int { return strings.Compare(x.Name, y.Name) })
}

// rows yields names and right sides in the order of the file: each alias, then its
// owner row.
func (a *Aliases) rows(yield func(name string, right []string)) {
	for _, alias := range a.All {
		yield(alias.Name, alias.Members)
		if alias.Owner != "" {
			yield("owner-"+alias.Name, []string{alias.Owner})
		}
	}
}

// appendJoined appends a right side.
func appendJoined(out []byte, members []string) []byte {
	for i, m := range members {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, m...)
	}
	return out
}

// maxRight is the longest right side of an alias. newaliases drops a line of 8,192
// bytes or more ("alias line too long"), and a system may run newaliases at any time. A
// longer list is therefore split into aliases of aliases.
const maxRight = 4000

// split replaces the members of an alias that is too long by aliases of parts, and
// repeats this until the alias is short enough. Each round makes one more level of
// aliases. sendmail follows ten levels, and even a huge list needs few.
func (a *Aliases) split(alias *Alias) {
	for part := 1; joinedSize(alias.Members) > maxRight; {
		var names []string
		for rest := alias.Members; len(rest) > 0; part++ {
			n, size := 0, 0
			for n < len(rest) && (n == 0 || size+len(rest[n])+2 <= maxRight) {
				size += len(rest[n]) + 2
				n++
			}
			piece := &Alias{Name: a.unique(fmt.Sprintf("%s.part%d", alias.Name, part)), Members: rest[:n:n], label: alias.label, pos: alias.pos}
			a.All = append(a.All, piece)
			names, rest = append(names, piece.Name), rest[n:]
		}
		alias.Members = names
	}
}

func joinedSize(members []string) int {
	size := 0
	for _, m := range members {
		size += len(m) + 2
	}
	return size
}

// Text returns the alias file.
func (a *Aliases) Text() []byte {
	size := len(a.title)
	a.rows(func(name string, right []string) {
		size += len(name) + len(":\t\n") + joinedSize(right)
	})
	out := append(make([]byte, 0, size), a.title...)
	a.rows(func(name string, right []string) {
		out = append(append(out, name...), ":\t"...)
		out = append(appendJoined(out, right), '\n')
	})
	return out
}

// AliasRows are the rows of an alias map in the form of newaliases. Keys and values end
// in a NUL byte. A row @ marks the end of a rebuild; without it sendmail waits
// (AliasWait).
type AliasRows struct{ pairs [][2][]byte }

// MapRows returns the rows of the alias map.
func (a *Aliases) MapRows() *AliasRows {
	rows := &AliasRows{pairs: make([][2][]byte, 0, len(a.All)+1)}
	rows.pairs = append(rows.pairs, [2][]byte{[]byte("@\x00"), []byte("@\x00")})
	a.rows(func(name string, right []string) {
		text := make([]byte, 0, len(name)+len("\x00\x00")+joinedSize(right))
		text = append(append(text, name...), 0)
		end := len(text)
		text = append(appendJoined(text, right), 0)
		rows.pairs = append(rows.pairs, [2][]byte{text[:end], text[end:]})
	})
	return rows
}

// Len returns the number of rows.
func (r *AliasRows) Len() int { return len(r.pairs) }

// Row returns row i.
func (r *AliasRows) Row(i int) (key, value []byte) { return r.pairs[i][0], r.pairs[i][1] }

// ParseAliases reads the rows of an alias file in the form of Text: a name, a colon and
// recipients, continued on lines that begin with white space.
func ParseAliases(text []byte) [][2]string {
	var rows [][2]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, " \t\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if (line[0] == ' ' || line[0] == '\t') && len(rows) > 0 {
			last := &rows[len(rows)-1]
			last[1] += " " + strings.TrimLeft(line, " \t")
			continue
		}
		name, right, _ := strings.Cut(line, ":")
		rows = append(rows, [2]string{strings.TrimSpace(name), strings.TrimLeft(right, " \t")})
	}
	return rows
}

// fill adds an alias to the file.
func (a *Aliases) fill(alias *Alias) {
	if a.filled == nil {
		a.filled = map[string]bool{}
	}
	a.filled[alias.Name] = true
	a.All = append(a.All, alias)
}

// nameAliases gives a name to each alias that may be needed. A list gets the name of
// the address that declares it, so that copies of a domain lead to the alias of the
// source. Then come the users with a mailbox elsewhere, with a kept copy, or with a
// list of addresses as their forward.
func (c *compiler) nameAliases() {
	for _, l := range c.follow.Listings() {
		parts := "-" + l.Local
		switch {
		case l.Local == "" && l.Domain == "":
			parts = "-catch-all"
		case l.Local == "":
			parts = "=" + l.Domain
		case l.Domain != "":
			parts += "=" + l.Domain
		}
		c.lists[l.List] = &Alias{Name: c.aliases.name(parts), label: l.Label, pos: l.Pos}
	}
	for i := range c.m.Users {
		c.nameUser(i)
	}
}

func (c *compiler) nameUser(i int) {
	u := &c.m.Users[i]
	alias, pos := &c.mailboxes[i], u.Name.Pos
	if u.Forward.Kind != inventory.NoTarget && !u.KeepCopy {
		if u.Forward.Kind != inventory.ToList {
			return
		}
		alias, pos = &c.lists[u.Forward.Index], u.Forward.Pos
	} else if u.Mailbox.Text == "" && u.Forward.Kind == inventory.NoTarget {
		return
	}
	if *alias == nil {
		*alias = &Alias{Name: c.aliases.name("-" + u.Name.Text), label: "user " + u.Name.Text, pos: pos}
	}
}

// fillAliases fills the aliases of all lists and users that a row or another alias leads
// to.
func (c *compiler) fillAliases() {
	for _, g := range c.follow.Reached() {
		if g.Kind == follow.User {
			c.fillUser(int(g.Index))
		} else {
			c.fillList(int(g.Index))
		}
	}
}

func (c *compiler) fillList(i int) {
	alias, list, bounces := *c.lists[i], c.follow.List(i), &c.m.Lists[i].BouncesTo
	c.fill(&alias, list.Members)
	if bounces.Kind != inventory.NoTarget {
		alias.Owner, alias.ownerPos = c.goal(&list.BouncesTo), bounces.Pos
	}
}

// fillUser fills the alias of a user: the forward, and the user's own mailbox.
func (c *compiler) fillUser(i int) {
	alias, u := *c.mailboxes[i], &c.m.Users[i]
	c.fill(&alias, c.follow.Forward(i))
	if u.Mailbox.Text != "" {
		alias.add(u.Mailbox.Text)
	} else {
		alias.add(u.Name.Text)
	}
}

// fill puts an alias with its recipients into the file.
func (c *compiler) fill(alias *Alias, members []follow.Goal) {
	c.aliases.fill(alias)
	for i := range members {
		alias.add(c.goal(&members[i]))
	}
}

// add appends a recipient if the alias does not have it. Two addresses of a list may
// lead to one user.
func (a *Alias) add(member string) {
	if a.have == nil {
		a.have = map[string]bool{}
	}
	if !a.have[member] {
		a.have[member] = true
		a.Members = append(a.Members, member)
	}
}
