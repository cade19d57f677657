package maincf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"virtmap/internal/diag"
)

// Adopt returns the text that Edit returns, but the lines take the place of the site's own
// lines that say which domains, addresses and mailboxes there are. Such a line of the site
// gets the mark #virtmap-adopted# and is an ordinary comment from then on:
//
//	#virtmap-adopted# virtual_alias_maps = hash:/etc/postfix/virtual, mysql:/etc/postfix/sql.cf
//	#virtmap# virtual_alias_maps = mysql:/etc/postfix/sql.cf
//
// A table whose rows cannot be listed stays in force, and so do patterns of domains: no
// inventory can have been made of them. If such a table has mailboxes, the parameters of
// virtual(8) stay the site's, because its paths depend on them.
func Adopt(src *diag.Source, lines []Line, faults *diag.List) string {
	return edit(src, lines, faults, true)
}

// adoptable are the parameters in whose place an inventory comes. The value is true for
// those of virtual(8).
var adoptable = map[string]bool{
	"virtual_alias_domains": false, "virtual_alias_maps": false, "relay_domains": false,
	"virtual_mailbox_domains": true, "virtual_mailbox_base": true, "virtual_mailbox_maps": true,
	"virtual_uid_maps": true, "virtual_gid_maps": true,
}

// listedTypes are the types of tables whose rows can be listed.
var listedTypes = []string{"hash", "btree", "cdb", "lmdb", "dbm", "sdbm", "texthash"}

// adopts reports whether a line takes the place of the site's own lines.
func (e *editor) adopts(name string) bool {
	delivers, ok := adoptable[name]
	return e.adopt && ok && !(delivers && slices.ContainsFunc(e.siteElements("virtual_mailbox_maps"), stays))
}

// stays reports whether an element of a list stays in force: a table whose rows cannot be
// listed, or a pattern.
func stays(element string) bool {
	typ, _, table := strings.Cut(strings.TrimPrefix(element, "proxy:"), ":")
	return table && !slices.Contains(listedTypes, typ) || strings.ContainsAny(element[:1], ".!{[")
}

// adopted returns what stays of the site's elements, and remembers that the line of the
// site goes.
func (e *editor) adopted(name string, site []string) []string {
	kept := slices.DeleteFunc(slices.Clone(site), func(element string) bool {
		parts := []string{element}
		if strings.Contains(element, "$") {
			text, _ := e.expand(element)
			parts = SplitList(text)
		}
		return !slices.ContainsFunc(parts, stays)
	})
	if len(kept) < len(site) {
		e.kept[name] = strings.Join(kept, ", ")
	}
	return kept
}

// retire writes the other mark before the lines of the site that go, and behind the last
// one what stays of its list.
func (e *editor) retire(out []string) {
	for _, entry := range e.own.entries {
		if _, goes := e.kept[entry.name]; !goes || entry.stale {
			continue
		}
		for _, i := range entry.lines {
			out[i] = goneMark + e.own.lines[i].text
		}
	}
	for name, kept := range e.kept {
		entry, set := e.own.entry(name)
		if !set || kept == "" {
			continue
		}
		last := entry.lines[len(entry.lines)-1]
		out[last] = strings.TrimRight(out[last], "\r\n") + "\n" + outMark + name + " = " + kept + "\n"
	}
}

// Marked says which lines of a main.cf got a mark by Edit or Adopt, each with its number.
func Marked(before, after string) (all []string) {
	next := map[string]bool{}
	for line := range strings.Lines(after) {
		next[trimRight(line)] = true
	}
	number := 0
	for line := range strings.Lines(before) {
		number++
		name, _, fault := splitNameValue(line)
		if fault != "" || isBlank(line[0]) || line[0] == '#' {
			continue
		}
		switch line = trimRight(line); {
		case next[goneMark+line]:
			all = append(all, fmt.Sprintf("%d: the inventory stands for this %s now; your line is marked %s", number, name, trimRight(goneMark)))
		case next[outMark+line]:
			all = append(all, fmt.Sprintf("%d: %s stands in virtmap's block now; your line is marked %s", number, name, trimRight(outMark)))
		}
	}
	return all
}

// Unmarked returns a text without the marks of Edit and Adopt.
func Unmarked(text []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(goneMark), nil), []byte(outMark), nil)
}
