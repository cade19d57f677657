package virtuser

import (
	"slices"
	"strings"

	"virtmap/internal/follow"
	"virtmap/inventory"
)

// maxAliasDepth is sendmail's limit for aliases of aliases (MaxAliasRecursion).
const maxAliasDepth = 10

// aliasLoops reports aliases that lead back to themselves, and those that lead through
// more aliases than sendmail follows.
func (c *compiler) aliasLoops() {
	w := aliasWalk{c: c, byName: make(map[string]*Alias, len(c.aliases.All)), state: map[*Alias]visit{}, depth: map[*Alias]int{}}
	for _, a := range c.aliases.All {
		w.byName[a.Name] = a
	}
	for _, a := range c.aliases.All {
		w.walk(a)
	}
}

type visit uint8

const (
	unseen visit = iota
	onPath
	done
)

type aliasWalk struct {
	c      *compiler
	byName map[string]*Alias
	state  map[*Alias]visit
	depth  map[*Alias]int // the length of the longest chain of aliases from this one, itself included
	trail  []*Alias
}

func (w *aliasWalk) walk(a *Alias) (depth int) {
	switch {
	case a == nil:
		return 0
	case w.state[a] == done:
		return w.depth[a]
	case w.state[a] == onPath:
		var names []string
		for _, on := range append(w.trail[slices.Index(w.trail, a):], a) {
			names = append(names, on.label)
		}
		w.c.follow.Circle(names, a.pos, 1)
		return 0
	}
	w.state[a] = onPath
	w.trail = append(w.trail, a)
	for _, member := range a.Members {
		name, _, _ := splitDetail(member)
		depth = max(depth, w.walk(w.byName[name]))
	}
	w.trail = w.trail[:len(w.trail)-1]
	w.state[a], w.depth[a] = done, depth+1
	if w.depth[a] == maxAliasDepth+1 {
		w.c.faults.Add(follow.CheckTooDeep.At(a.pos, 1, "%s leads through %d lists of lists, and sendmail follows %d", a.label, w.depth[a], maxAliasDepth).
			WithHelp("name the users themselves in one of the lists"))
	}
	return w.depth[a]
}

// owners reports lists whose bounces the host's own name would refuse. sendmail sends
// the mail of such a list on as owner@$j, and bounces go to this address.
func (c *compiler) owners() {
	host := c.m.Host.Name.Text
	d, served := c.m.Serves(host)
	if !served {
		return
	}
	if catchAll, _ := c.tables.CatchAll(d); catchAll.Kind != inventory.Refused {
		return
	}
	for _, a := range c.aliases.All {
		if a.Owner == "" || strings.Contains(a.Owner, "@") {
			continue
		}
		if hit, ok := c.tables.Find(d, a.Owner, inventory.Plain); ok && !hit.Disabled && hit.To.Kind != inventory.Refused {
			continue
		}
		c.faults.Add(checkOwner.At(a.ownerPos, 1, "bounces of %s would come to %s@%s, which is refused there", a.label, a.Owner, host).
			WithHelp("list %s under the addresses of %s, or name a user that is", a.Owner, host))
	}
}
