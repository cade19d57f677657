package virtuser

import (
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
	"virtmap/inventory"
)

// Aliases are the rows of virtmap-aliases, sorted by name.
type Aliases struct {
	All []*Alias

	title  string
	taken  map[string]bool // names of users, local aliases and of our own
	filled map[string]bool // names in All
}

// An Alias is a name of ours and the recipients it stands for.
type Alias struct {
	Name    string
	Members []string
	Owner   string // who is told of failures: the row owner-Name; empty: the sender

	label    string // what it is for, in terms of the inventory
	pos      diag.Pos
	ownerPos diag.Pos
	have     map[string]bool // Members, while they are added
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

// maxAliasName keeps a name with owner- before it and a part behind it within
// sendmail's MAXNAME of 256.
const maxAliasName = 220

// name gives a name that no user, local alias or other alias has: what it is
// made of, with = for a plus (a plus would begin a detail) and - for what an
// alias file would act on, and a number behind it when that is taken.
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

// finish splits what is too long and sorts.
func (a *Aliases) finish() {
	for _, alias := range a.All {
		a.split(alias)
	}
	slices.SortFunc(a.All, func(x, y *Alias) int { return strings.Compare(x.Name, y.Name) })
}

// rows gives names and right sides in the order of the file: each alias with
// its owner row.
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

// maxRight is the longest right side of an alias. newaliases drops a line of
// 8,192 bytes and more ("alias line too long"), and systems run it behind our
// back, so that a longer list is split into aliases of aliases.
const maxRight = 4000

// split turns an alias that is too long into one of parts, and that one again
// until it fits: depth grows slowly, and sendmail follows ten.
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

// Text is the alias file.
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

// AliasRows are the rows of an alias map in the form that newaliases gives
// them: keys and values end in a NUL byte, and a row @ stands for the end of
// the rebuild, without which sendmail waits (AliasWait).
type AliasRows struct{ pairs [][2][]byte }

// MapRows gives the rows of the alias map.
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

// Len is the number of rows.
func (r *AliasRows) Len() int { return len(r.pairs) }

// Row gives a row.
func (r *AliasRows) Row(i int) (key, value []byte) { return r.pairs[i][0], r.pairs[i][1] }

// ParseAliases reads the rows of an alias file such as Text writes: a name,
// a colon and recipients, continued on lines that begin with white space.
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

// fill takes an alias in.
func (a *Aliases) fill(alias *Alias) {
	if a.filled == nil {
		a.filled = map[string]bool{}
	}
	a.filled[alias.Name] = true
	a.All = append(a.All, alias)
}

// nameAliases names all aliases that may come: every list in use by the address
// that declares it, so that a domain's copies lead to the name of the source,
// then the users with a mailbox elsewhere or a kept copy, or a list of
// addresses that their mail is forwarded to.
func (c *compiler) nameAliases() {
	for _, role := range c.m.Defaults.Roles {
		c.nameList(role.To, "-"+role.Local, "role "+role.Local)
	}
	c.nameList(c.m.Defaults.CatchAll, "-catch-all", "the default catch-all")
	for i := range c.m.Domains {
		d := &c.m.Domains[i]
		if !d.Enabled || d.Backup {
			continue
		}
		for _, layer := range [][]inventory.Address{d.Addresses, d.Roles} {
			for i := range layer {
				if a := &layer[i]; a.To.Kind == inventory.ToList {
					c.nameList(a.To, "-"+a.Local+"="+d.Name, label(a.Local, d.Name))
				}
			}
		}
		c.nameList(d.CatchAll, "="+d.Name, label("", d.Name))
	}
	for i := range c.m.Users {
		c.nameUser(i)
	}
}

func (c *compiler) nameList(t inventory.Target, parts, label string) {
	if t.Kind == inventory.ToList && c.lists[t.Index] == nil {
		c.lists[t.Index] = &Alias{Name: c.aliases.name(parts), label: label, pos: t.Pos}
	}
}

func (c *compiler) nameUser(i int) {
	u := &c.m.Users[i]
	name := u.Name.Text
	switch {
	case u.Mailbox.Text == "" && u.Forward.Kind == inventory.NoTarget:
	case u.Forward.Kind != inventory.NoTarget && !u.KeepCopy:
		c.nameList(u.Forward, "-"+name, "user "+name)
	default:
		c.mailboxes[i] = &Alias{Name: c.aliases.name("-" + name), label: "user " + name, pos: u.Name.Pos}
	}
}

// list gives the alias of a list and fills it when it is first asked for.
func (c *compiler) list(i int) string {
	if c.aliases.filled[c.lists[i].Name] {
		return c.lists[i].Name
	}
	alias := *c.lists[i]
	list := c.m.Lists[i]
	c.fill(&alias, list.Members)
	if list.BouncesTo.Kind != inventory.NoTarget {
		alias.Owner, alias.ownerPos = c.member(list.BouncesTo, "bounces_to of "+alias.label), list.BouncesTo.Pos
	}
	return alias.Name
}

// fill puts an alias into the file before its members are followed, so that a
// circle of lists ends; aliasLoops reports it.
func (c *compiler) fill(alias *Alias, members []inventory.Target) {
	c.aliases.fill(alias)
	for _, t := range members {
		alias.add(c.member(t, alias.label))
	}
}

// add appends a recipient that is not there yet: two addresses of a list may
// end at one user.
func (a *Alias) add(member string) {
	if a.have == nil {
		a.have = map[string]bool{}
	}
	if !a.have[member] {
		a.have[member] = true
		a.Members = append(a.Members, member)
	}
}

// member gives a recipient of an alias.
func (c *compiler) member(t inventory.Target, what string) string {
	if t.Kind != inventory.ToAddress {
		return c.constant(t)
	}
	e := c.followFrom(what, t.Text)
	if !c.reportEnd(e, t, what) {
		return t.Text
	}
	if e.refused {
		c.faults.Add(checkDeadMember.At(t.Pos, len(t.Written()), "%s has the recipient %s, which is refused", what, t.Written()).
			Concerning("target %q", t.Written()).
			WithHelp("take it out of the list: the list would be accepted, and this part of it bounce"))
	}
	return e.right
}

// user gives the right side for a user: the account itself, an alias of ours
// for a mailbox elsewhere or a kept copy, or where everything is forwarded.
func (c *compiler) user(i int) string {
	u := &c.m.Users[i]
	switch {
	case c.userState[i] == done:
	case c.userState[i] == onPath:
		at := c.trail.index("user " + u.Name.Text)
		c.reportLoop(append(c.trail.from(at), "user "+u.Name.Text), u.Forward.Pos, len(u.Forward.Written()))
		return u.Name.Text
	case u.Mailbox.Text == "" && u.Forward.Kind == inventory.NoTarget:
		c.userValues[i] = u.Name.Text
	case u.Forward.Kind != inventory.NoTarget && !u.KeepCopy:
		c.userState[i] = onPath
		from := c.trail.len()
		c.trail.push("user " + u.Name.Text)
		c.userValues[i] = c.member(u.Forward, "user "+u.Name.Text+"'s forward")
		c.trail.cut(from)
	default:
		alias := *c.mailboxes[i]
		c.userValues[i], c.userState[i] = alias.Name, done
		c.fillUser(&alias, u)
	}
	c.userState[i] = done
	return c.userValues[i]
}

func (c *compiler) fillUser(alias *Alias, u *inventory.User) {
	var forward []inventory.Target
	switch u.Forward.Kind {
	case inventory.NoTarget:
	case inventory.ToList:
		forward = c.m.Lists[u.Forward.Index].Members
	default:
		forward = []inventory.Target{u.Forward}
	}
	c.fill(alias, forward)
	if u.Mailbox.Text != "" {
		alias.add(u.Mailbox.Text)
	} else {
		alias.add(u.Name.Text)
	}
}
