package maincf

import (
	"slices"
	"strings"
)

// An ownText is the site's own text of a main.cf: without our block, and without marks.
type ownText struct {
	lines   []ownLine
	entries []ownEntry
}

// An ownLine is a line with its newline.
type ownLine struct {
	text   string
	at     int  // offset of the line in the main.cf, with its mark
	marked bool // there was a mark before the line
}

// An ownEntry is a parameter that the site sets.
type ownEntry struct {
	name, value string
	lines       []int  // indexes of its lines
	fault       string // what is wrong with the line
	stale       bool   // the entry was marked, and a later line without a mark sets the name
}

// add adds lines that begin at an offset of the main.cf.
func (o *ownText) add(text string, at int) {
	for line := range strings.Lines(text) {
		o.lines = append(o.lines, ownLine{text: line, at: at})
		at += len(line)
	}
}

// read takes the marks away and reads the entries.
func (o *ownText) read() {
	o.unmark()
	var text strings.Builder
	var starts []int
	for _, l := range o.lines {
		starts = append(starts, text.Len())
		text.WriteString(l.text)
	}
	logical, _ := scan(text.String())
	live := map[string]bool{}
	for _, l := range logical {
		if l.orphan {
			continue
		}
		entry := ownEntry{}
		entry.name, entry.value, entry.fault = splitNameValue(l.text)
		for _, p := range l.pieces {
			i, _ := slices.BinarySearch(starts, p.start)
			entry.lines = append(entry.lines, i)
		}
		live[entry.name] = live[entry.name] || !o.lines[entry.lines[0]].marked
		o.entries = append(o.entries, entry)
	}
	for i := range o.entries {
		entry := &o.entries[i]
		entry.stale = live[entry.name] && o.lines[entry.lines[0]].marked
	}
}

// unmark takes the marks away. A continuation keeps its mark when its first line has none:
// it would go on with the value of another line.
func (o *ownText) unmark() {
	before := false // the last line with an entry was marked
	for i := range o.lines {
		l := &o.lines[i]
		content := trimLeft(l.text)
		if rest, ok := strings.CutPrefix(l.text, outMark); ok {
			inner := trimLeft(rest)
			if inner != "" && inner[0] != '#' && (before || !isBlank(rest[0])) {
				l.text, l.marked, before = rest, true, true
			}
		} else if content != "" && content[0] != '#' {
			before = false
		}
	}
}

// text returns the text that is in force without our block.
func (o *ownText) text() string {
	return strings.Join(o.marked(nil), "")
}

// marked returns the lines, with marks before the entries that have one of the names. A stale
// entry becomes an ordinary comment: its mark must not bring the old value back.
func (o *ownText) marked(names map[string]bool) []string {
	out := make([]string, len(o.lines))
	for i, l := range o.lines {
		out[i] = l.text
	}
	for _, entry := range o.entries {
		mark := ""
		switch {
		case entry.stale:
			mark = "# "
		case names[entry.name]:
			mark = outMark
		}
		for _, i := range entry.lines {
			out[i] = mark + o.lines[i].text
		}
	}
	return out
}

// entry returns the entry of a parameter that is in force.
func (o *ownText) entry(name string) (ownEntry, bool) {
	for _, entry := range slices.Backward(o.entries) {
		if entry.name == name && !entry.stale {
			return entry, true
		}
	}
	return ownEntry{}, false
}
