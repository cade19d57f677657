package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// An Entry is a new key of an inventory: the key with its value on one line, or with the
// lines below it, as of a domain or a long list. Comments are the lines above it.
type Entry struct {
	Comments []string
	Text     string
}

// Additions are the new entries for an inventory. The inventory keeps all its lines.
type Additions struct {
	Users        []Entry
	LocalAliases []string
	Addresses    map[string][]Entry // by domain, for domains that the inventory has
	Domains      []Entry            // new domains
}

// Empty reports whether there is nothing to add.
func (a *Additions) Empty() bool {
	return len(a.Users)+len(a.LocalAliases)+len(a.Addresses)+len(a.Domains) == 0
}

// ErrElsewhere is wrapped by errors about a place where nothing can be inserted: a
// value that is an alias, or that has an anchor, through which other keys have the same
// value.
var ErrElsewhere = errors.New("it has an anchor or is behind one; add it by hand")

// Insert returns the text of an inventory, or of an included file, with additions in
// it. In a block, whole lines are put after the last entry. In braces, entries are put
// before the closing brace, and their comments above the key of the braces.
func Insert(text string, a Additions) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return "", err
	}
	if len(doc.Content) != 1 || !isBlock(doc.Content[0]) {
		return "", errors.New("the inventory is no block of keys")
	}
	in := &inserter{lines: strings.Split(strings.TrimRight(text, "\n"), "\n"), root: doc.Content[0]}
	for _, domain := range slices.Sorted(maps.Keys(a.Addresses)) {
		if err := in.addresses(domain, a.Addresses[domain]); err != nil {
			return "", fmt.Errorf("%s: %w", domain, err)
		}
	}
	for _, part := range []struct {
		key string
		add func() error
	}{
		{"users", func() error { return in.section("users", a.Users) }},
		{"local_aliases", func() error { return in.localAliases(a.LocalAliases) }},
		{"domains", func() error { return in.section("domains", a.Domains) }},
	} {
		if err := part.add(); err != nil {
			return "", fmt.Errorf("%s: %w", part.key, err)
		}
	}
	return in.text(), nil
}

// An inserter collects insertions.
type inserter struct {
	lines []string
	root  *yaml.Node
	edits []insertion
}

// An insertion puts text before a column of a line, and may replace some bytes there.
// Or it puts whole lines after a line. Lines and columns begin at 1.
type insertion struct {
	line, col int // col 0: after the line
	text      string
	instead   int // the number of bytes that are replaced
}

// text applies the insertions from the end to the beginning.
func (in *inserter) text() string {
	order := func(i insertion) int {
		if i.col == 0 {
			return math.MaxInt
		}
		return i.col
	}
	slices.SortStableFunc(in.edits, func(a, b insertion) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(order(a), order(b)))
	})
	lines := slices.Clone(in.lines)
	for _, e := range slices.Backward(in.edits) {
		if e.col == 0 {
			lines = slices.Insert(lines, e.line, e.text)
			continue
		}
		line := lines[e.line-1]
		lines[e.line-1] = line[:e.col-1] + e.text + line[e.col-1+e.instead:]
	}
	return strings.Join(lines, "\n") + "\n"
}

// section adds entries to users or domains.
func (in *inserter) section(name string, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	key, value := find(in.root, named(name))
	if key != nil {
		return in.into(in.root, key, value, entries)
	}
	behind := in.bottom()
	if host, inside := find(in.root, named("host")); name == "users" && host != nil {
		behind = in.end(host, inside)
	}
	in.behind(behind, "\n"+name+":\n"+strings.Join(indented(entries, 2), "\n"))
	return nil
}

// addresses adds entries to a domain.
func (in *inserter) addresses(domain string, entries []Entry) error {
	_, domains := find(in.root, named("domains"))
	if domains == nil {
		return ErrElsewhere
	}
	key, value := find(domains, isDomain(domain))
	if key == nil || value.Kind == yaml.AliasNode || value.Anchor != "" { // other domains would have it too
		return ErrElsewhere
	}
	if list, inside := find(value, named("addresses")); list != nil {
		if inside.Anchor != "" {
			return ErrElsewhere
		}
		return in.into(value, list, inside, entries)
	}
	return in.into(domains, key, value, []Entry{{Text: "addresses:\n" + strings.Join(indented(entries, 2), "\n")}})
}

// into adds entries to the value of a key.
func (in *inserter) into(parent, key, value *yaml.Node, entries []Entry) error {
	switch {
	case value.Kind == yaml.MappingNode && value.Style&yaml.FlowStyle != 0:
		text, err := inline(entries)
		if err != nil {
			return err
		}
		in.above(key, entries)
		return in.flow(value, text)
	case value.Kind == yaml.MappingNode:
		in.behind(in.end(key, value), strings.Join(indented(entries, value.Content[0].Column-1), "\n"))
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null" && parent.Style&yaml.FlowStyle != 0:
		return in.intoNothing(key, value, entries)
	case value.Kind == yaml.ScalarNode && value.Tag == "!!null" && (value.Value == "" || value.Line == key.Line):
		in.instead(value, "")
		in.behind(key.Line, strings.Join(indented(entries, key.Column+1), "\n"))
	default:
		return ErrElsewhere
	}
	return nil
}

// intoNothing gives entries in braces to a key within braces that has no value, or
// null.
func (in *inserter) intoNothing(key, value *yaml.Node, entries []Entry) error {
	text, err := inline(entries)
	if err != nil {
		return err
	}
	in.above(key, entries)
	text = "{" + text + "}"
	if value.Value != "" {
		in.instead(value, text)
		return nil
	}
	line := in.lines[key.Line-1]
	at := in.column(key) + len(key.Value)
	if key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at += len(`""`) // no name of the inventory has an escape in it
	}
	if rest := strings.TrimLeft(line[min(at, len(line)):], " "); strings.HasPrefix(rest, ":") {
		at = len(line) - len(rest) + 1
		text = " " + text
	} else {
		text = ": " + text
	}
	in.edits = append(in.edits, insertion{line: key.Line, col: at + 1, text: text})
	return nil
}

// instead replaces a scalar by a text.
func (in *inserter) instead(n *yaml.Node, text string) {
	if n.Value == "" {
		return
	}
	from := in.column(n)
	to := from + len(n.Value)
	if text == "" {
		from = len(strings.TrimRight(in.lines[n.Line-1][:from], " "))
	}
	in.edits = append(in.edits, insertion{line: n.Line, col: from + 1, text: text, instead: to - from})
}

// column returns the offset in its line at which a node begins.
func (in *inserter) column(n *yaml.Node) int {
	return len(string([]rune(in.lines[n.Line-1])[:n.Column-1]))
}

// bottom returns the last line of the document.
func (in *inserter) bottom() int {
	last := len(in.lines)
	for last > 1 && strings.TrimSpace(in.lines[last-1]) == "..." {
		last--
	}
	return last
}

func (in *inserter) behind(line int, text string) {
	in.edits = append(in.edits, insertion{line: line, text: text})
}

// indented returns entries as lines.
func indented(entries []Entry, indent int) (lines []string) {
	margin := strings.Repeat(" ", indent)
	for _, e := range entries {
		for _, line := range append(slices.Clone(e.Comments), strings.Split(e.Text, "\n")...) {
			if line != "" {
				line = margin + line
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// above puts the comments of entries above a line. It is the line of the nearest key
// that is not in braces, because a line within braces may be in the middle of a text.
func (in *inserter) above(key *yaml.Node, entries []Entry) {
	line := blockLine(in.root, key.Line)
	text := in.lines[line-1]
	margin := text[:len(text)-len(strings.TrimLeft(text, " "))]
	var comments []string
	for _, entry := range indented(entries, 0) {
		if entry = strings.TrimSpace(entry); strings.HasPrefix(entry, "#") {
			comments = append(comments, margin+entry)
		}
	}
	if len(comments) > 0 {
		in.behind(line-1, strings.Join(comments, "\n"))
	}
}

// end returns the last line of the value of a key. Lines that are indented deeper
// belong to the value, also after blank lines, as in a block text.
func (in *inserter) end(key, value *yaml.Node) int {
	last := max(key.Line, lastLine(value))
	for at := last; at < len(in.lines); at++ {
		line := in.lines[at]
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(line)-len(strings.TrimLeft(line, " ")) < key.Column {
			break
		}
		last = at + 1
	}
	return last
}

// localAliases adds names to the list of local aliases.
func (in *inserter) localAliases(names []string) error {
	if len(names) == 0 {
		return nil
	}
	key, list := find(in.root, named("local_aliases"))
	switch {
	case key == nil:
		line := "local_aliases: [" + strings.Join(names, ", ") + "]"
		if domains, _ := find(in.root, named("domains")); domains != nil {
			in.behind(in.aboveComments(domains.Line), line+"\n")
		} else {
			in.behind(in.bottom(), "\n"+line)
		}
	case list.Kind == yaml.SequenceNode && list.Style&yaml.FlowStyle != 0:
		return in.flow(list, strings.Join(names, ", "))
	case list.Kind == yaml.SequenceNode:
		margin := strings.Repeat(" ", list.Column-1)
		in.behind(lastLine(list), margin+"- "+strings.Join(names, "\n"+margin+"- "))
	case list.Kind == yaml.ScalarNode && list.Tag == "!!null" && list.Value == "":
		in.behind(key.Line, "  - "+strings.Join(names, "\n  - "))
	default:
		return ErrElsewhere
	}
	return nil
}

// aboveComments returns the line after which to insert something above a line and above
// the comments that belong to this line.
func (in *inserter) aboveComments(line int) int {
	for line--; line > 0 && strings.HasPrefix(in.lines[line-1], "#"); line-- {
	}
	return line
}
