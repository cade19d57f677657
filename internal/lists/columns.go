package lists

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// columns are the columns of a table that are read, from 0; -1: there is none.
type columns struct {
	is                                    Is
	key, value, active, transport, backup int
	noTargets                             bool // there is a column of addresses, and none of targets
}

// Names of columns, in the order in which they are chosen.
var (
	addressNames = []string{"address", "source", "alias", "email", "username", "from"}
	targetNames  = []string{"goto", "destination", "destinations", "target", "targets", "to", "forward", "forwards", "forwarder", "forwarders"}
)

// columnsOf returns the columns of a table by its header. ok is false if the record is no
// header, or one whose names are not known.
func columnsOf(cells []string) (c columns, ok bool) {
	at := map[string]int{}
	for i, name := range slices.Backward(cells) {
		if strings.IndexByte(name, '@') >= 0 || hasSecret(name) {
			return columns{}, false
		}
		at[strings.ToLower(strings.ReplaceAll(name, "-", ""))] = i
	}
	find := func(names ...string) int {
		for _, name := range names {
			if i, ok := at[name]; ok {
				return i
			}
		}
		return -1
	}
	has := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return find(name) < 0 })
	}
	c = columns{active: find("active"), value: -1, transport: find("transport"), backup: find("backupmx")}
	switch {
	case has("alias_domain", "target_domain"):
		c.is, c.key, c.value = SameAs, at["alias_domain"], at["target_domain"]
	case has("username", "maildir"), has("username", "local_part"):
		c.is, c.key, c.value = Mailbox, at["username"], find("maildir")
	case has("domain") && (c.transport >= 0 || c.backup >= 0):
		c.is, c.key = Domain, at["domain"]
	default:
		c.key, c.value = find(addressNames...), find(targetNames...)
		c.noTargets = c.value < 0
		if c.noTargets && has("password") && !has("superadmin") {
			c.is, c.noTargets = Mailbox, false
		}
		return c, c.key >= 0
	}
	return c, true
}

// isHeader reports whether a record is a header whose names are not known: no cell is an
// address or a domain.
func isHeader(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool {
		return strings.ContainsAny(cell, "@:/") || hasSecret(cell) || strings.IndexByte(strings.Trim(cell, "."), '.') >= 0
	})
}

// note says which columns were read.
func (t *table) note(r *reader) {
	c := &t.columns
	add := func(format string, args ...any) {
		r.list.Notes = append(r.list.Notes, WithoutSecrets(fmt.Sprintf(format, args...)))
	}
	_, known := columnsOf(t.header)
	switch {
	case t.header == nil && t.wide > 0:
		add("The first two columns of %s were read, as addresses and their targets: %s more.", r.name, counted(t.wide, "line has", "lines have"))
	case t.header != nil && !known:
		add("The first line of %s was taken as a header with names that are not known; the first two columns were read, as addresses and their targets.", r.name)
	case t.header != nil && !c.noTargets:
		add("%s", t.named(r.name))
	}
	for _, transport := range slices.Sorted(maps.Keys(t.moved)) {
		add("%s gives %d of its domains the transport %q, which was not read.", r.name, t.moved[transport], safe(transport))
	}
}

// named returns the note on a table with a header.
func (t *table) named(name string) string {
	c := &t.columns
	var read, other []string
	for i, column := range t.header {
		used := i == c.key || i == c.value || i == c.active || c.is == Domain && (i == c.transport || i == c.backup)
		if used {
			read = append(read, safe(column))
		} else {
			other = append(other, safe(column))
		}
	}
	text := fmt.Sprintf("%s: these columns were read: %s", name, strings.Join(read, ", "))
	if len(other) > 0 {
		text += "; and these were not: " + strings.Join(other, ", ")
	}
	return text + "."
}
