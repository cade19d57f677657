package inventory

import (
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// A layout moves the lines of a file. Lines are counted from 0. Each line is looked at
// once and written once, because blocks can be nested thousands of levels deep.
type layout struct {
	lines []string
	fixed bool // entries keep their order

	margins  []int // the number of blanks at the beginning of each line
	contents []int // for each line the last line up to it that is neither blank nor a comment; -1: none
}

func newLayout(lines []string, fixed bool) *layout {
	l := &layout{lines: lines, fixed: fixed, margins: make([]int, len(lines)), contents: make([]int, len(lines))}
	last := -1
	for i, line := range lines {
		l.margins[i] = indentation(line)
		if !isBlank(line) && !isComment(line) {
			last = i
		}
		l.contents[i] = last
	}
	return l
}

// A block has the entries of a mapping, and the comments after the last one.
type block struct {
	entries []entry
	tail    []string
}

// An entry is a key of a block with its value.
type entry struct {
	key   string
	blank bool     // a blank line comes before it
	lines []string // including the comments above it
	inner *block   // the value, if it is a block
}

// write appends the lines of a block.
func (b *block) write(out []string) []string {
	for i := range b.entries {
		e := &b.entries[i]
		if e.blank {
			out = append(out, "")
		}
		out = append(out, e.lines...)
		if e.inner != nil {
			out = e.inner.write(out)
		}
	}
	return append(out, b.tail...)
}

// sectionOf maps a section and one of its keys to the section of the value. names is a
// mapping whose keys a person chose.
var sectionOf = map[string]map[string]string{
	"top": {"host": "host", "defaults": "defaults", "users": "users", "domains": "domains",
		"guards": "guards", "mx": "mx", "submission": "submission", "tests": "tests"},
	"defaults":  {"roles": "addresses", "catch_all": "catch_all"},
	"users":     {"": "user"},
	"domains":   {"": "domain"},
	"tests":     {"": "outcome"},
	"domain":    {"addresses": "addresses", "roles": "addresses", "catch_all": "catch_all", "sends": "sends"},
	"addresses": {"": "address"},
	"address":   {"reject": "refusal", "defer": "refusal"},
	"catch_all": {"reject": "refusal", "defer": "refusal"},
}

func within(section, key string) string {
	all := sectionOf[section]
	if inner, ok := all[""]; ok {
		return inner
	}
	return all[key]
}

// isBlock reports whether a node is a mapping that is not in braces.
func isBlock(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0 && len(n.Content) > 0
}

// ignoreMark begins a comment about the line below it.
const ignoreMark = "# virtmap:ignore"

// file lays out a whole file. Comments at the top stay there, except a comment about
// the first key.
func (l *layout) file(root *yaml.Node) []string {
	first := root.Content[0].Line - 1
	head := 0
	for head < first && isBlank(l.lines[head]) {
		head++
	}
	var out []string
	for head < first && !isBlank(l.lines[head]) && !strings.HasPrefix(strings.TrimLeft(l.lines[head], " "), ignoreMark) {
		out = append(out, strings.TrimRight(l.lines[head], " \t"))
		head++
	}
	return l.block(root, "top", head, len(l.lines), 0).write(out)
}

// block lays out the lines of a block mapping at an indentation.
func (l *layout) block(n *yaml.Node, section string, from, to, indent int) *block {
	var entries []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		next := to
		if i+2 < len(n.Content) {
			next = n.Content[i+2].Line - 1
		}
		end := l.contentEnd(n.Content[i], next)
		entries = append(entries, l.entry(n.Content[i], n.Content[i+1], section, from, end, indent))
		from = end
	}
	if !l.fixed {
		moved := slices.Clone(entries)
		slices.SortStableFunc(moved, func(a, b entry) int { return rank(section, a.key) - rank(section, b.key) })
		for i := range moved {
			moved[i].blank = entries[i].blank // blank lines stay between the same positions
		}
		entries = moved
	}
	return &block{entries, comments(l.lines[from:to], indent)}
}

// rank returns the position of a key in its section: note, then the fixed keys in the
// order of the manual, then free keys.
func rank(section, key string) int {
	keys, known := ranks()[section]
	if !known {
		return 0
	}
	if place, fixed := keys[key]; fixed {
		return place
	}
	return len(keys)
}

// ranks returns the positions of the fixed keys, by section. They are computed once,
// because sorting asks for them in each comparison.
var ranks = sync.OnceValue(func() map[string]map[string]int {
	all := map[string]map[string]int{}
	for _, s := range Sections() {
		places := map[string]int{}
		for i, k := range s.Keys {
			places[k.Name] = i
		}
		places["note"] = -1
		all[s.Name] = places
	}
	return all
})

// contentEnd returns the index after the last line of an entry. The lines end at next.
// Comments that are indented deeper than the key belong to the entry.
func (l *layout) contentEnd(key *yaml.Node, next int) int {
	end := key.Line
	if next > end {
		end = max(end, l.contents[next-1]+1)
	}
	for i := end; i < next; i++ {
		switch {
		case isBlank(l.lines[i]):
		case l.margins[i] > l.margins[key.Line-1]:
			end = i + 1
		default:
			return end
		}
	}
	return end
}

// entry lays out one entry. Its lines are those from from to end.
func (l *layout) entry(key, value *yaml.Node, section string, from, end, indent int) entry {
	at := key.Line - 1
	e := entry{key: key.Value, blank: from < at && isBlank(l.lines[from])}
	above := l.lines[from:at]
	for len(above) > 0 && isBlank(above[0]) {
		above = above[1:]
	}
	e.lines = comments(above, indent)
	line := strings.Repeat(" ", indent) + strings.TrimLeft(l.lines[at], " ")
	rest := l.lines[at+1 : end]
	if len(rest) == 0 || isBlock(value) {
		line = strings.TrimRight(line, " \t")
	}
	e.lines = append(e.lines, line)
	switch {
	case isBlock(value) && value.Content[0].Line > key.Line:
		e.inner = l.block(value, within(section, key.Value), at+1, end, indent+2)
	case value.Kind == yaml.SequenceNode && value.Style&yaml.FlowStyle == 0:
		e.lines = append(e.lines, shifted(rest, indent+2-firstIndentation(rest), indent+2)...)
	default:
		e.lines = append(e.lines, shifted(rest, indent-indentation(l.lines[at]), 0)...)
	}
	return e
}

// comments indents lines that are comments or blank. Of several blank lines in sequence
// it keeps one.
func comments(lines []string, indent int) (out []string) {
	for i, line := range lines {
		switch {
		case !isBlank(line):
			out = append(out, strings.Repeat(" ", indent)+strings.TrimSpace(line))
		case i == 0 || !isBlank(lines[i-1]):
			out = append(out, "")
		}
	}
	return out
}

// shifted moves lines together to the right or to the left. No line gets a smaller
// indentation than least.
func shifted(lines []string, by, least int) (out []string) {
	for _, line := range lines {
		switch {
		case line == "":
		case by > 0:
			line = strings.Repeat(" ", by) + line
		case by < 0:
			have := len(line) - len(strings.TrimLeft(line, " "))
			line = line[min(have, -by):]
		}
		if short := least - indentation(line); short > 0 && !isBlank(line) {
			line = strings.Repeat(" ", short) + line
		}
		out = append(out, line)
	}
	return out
}

func isBlank(line string) bool   { return strings.Trim(line, " \t") == "" }
func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

// firstIndentation returns the indentation of the first line that is neither blank nor
// a comment.
func firstIndentation(lines []string) int {
	i := slices.IndexFunc(lines, func(line string) bool { return !isBlank(line) && !isComment(line) })
	if i < 0 {
		return 0
	}
	return indentation(lines[i])
}
