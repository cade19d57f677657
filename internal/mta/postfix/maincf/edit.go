package maincf

import (
	"strings"

	"virtmap/internal/diag"
)

// A Line sets a parameter in main.cf.
type Line struct{ Name, Value string }

// The first and the last line of our block, and the beginnings by which the block is found.
const (
	blockBegin = "# >>> virtmap (changes are lost at the next build)"
	blockEnd   = "# <<< virtmap"
	beginMark  = "# >>> virtmap"
	endMark    = "# <<< virtmap"
)

// outMark stands before the site's lines of a parameter that the block sets. Without the
// mark they are in force again.
const outMark = "#virtmap# "

// goneMark stands before the site's lines whose place a build has taken for good (Adopt).
const goneMark = "#virtmap-adopted# "

// Edit returns the text of a main.cf with the lines as one block at its end. A parameter has
// one line in a main.cf, so the site's own lines of the same name get a mark before them and
// are comments. When a later build has no line for the name, the mark is taken away again;
// when the site has written another line of the name meanwhile, that one counts, and the old
// one is a comment without a mark. Without lines the text has neither block nor marks.
//
// Elements of the site's own lists are added to the list of a line. A line with any other
// value than the site's is a fault. With a fault Edit returns the text as it is.
//
// When nothing but comments follows an old block, the new one stands in its place.
func Edit(src *diag.Source, lines []Line, faults *diag.List) string {
	return edit(src, lines, faults, false)
}

func edit(src *diag.Source, lines []Line, faults *diag.List, adopt bool) string {
	e := editor{src: src, faults: faults, ours: map[string]bool{}, adopt: adopt, kept: map[string]string{}}
	for _, l := range lines {
		e.ours[l.Name] = true
	}
	if !e.read() {
		return src.Text
	}
	var block []string
	for _, l := range lines {
		block = append(block, l.Name+" = "+e.value(l))
	}
	if e.failed {
		return src.Text
	}
	return e.write(block)
}

// An editor edits one main.cf.
type editor struct {
	src    *diag.Source
	faults *diag.List
	failed bool            // there was a fault
	ours   map[string]bool // names of the lines

	adopt bool
	kept  map[string]string // by name of a parameter that is adopted: what stays of the site's list

	own    ownText
	behind int  // index of the first line behind the old block
	block  bool // there is an old block
	site   *Config
}

// fault adds a fault at a line of the site.
func (e *editor) fault(c *diag.Check, line int, help, format string, args ...any) {
	e.failed = true
	at := e.own.lines[line].at
	text, _, _ := strings.Cut(e.src.Text[at:], "\n")
	f := c.At(e.src.Pos(at), max(1, len(trimRight(text))), format, args...)
	if help != "" {
		f = f.WithHelp("%s", help)
	}
	e.faults.Add(f)
}

// read reads the text without the old block and the marks. It returns false after a fault.
func (e *editor) read() bool {
	start, end, ok := findBlock(e.src, e.faults)
	if !ok {
		return false
	}
	e.block = start < end
	e.own.add(e.src.Text[:start], 0)
	e.behind = len(e.own.lines)
	e.own.add(e.src.Text[end:], end)
	e.own.read()
	e.checkBehind()
	for _, entry := range e.own.entries {
		if entry.fault != "" {
			e.fault(checkLine, entry.lines[0], "", "%s", entry.fault)
		}
	}
	e.site = Parse(e.src.Name, []byte(e.own.text()))
	e.site.Hostname = "host.invalid"
	return !e.failed
}

// checkBehind finds a line that goes on with the last value of the block.
func (e *editor) checkBehind() {
	for i, l := range e.own.lines[e.behind:] {
		switch content := trimLeft(l.text); {
		case content == "" || content[0] == '#' || l.marked:
			continue
		case e.block && isBlank(l.text[0]):
			e.fault(checkBlock, e.behind+i, "move the line to the parameter that it belongs to",
				"a line that begins with a blank goes on with the last value of virtmap's block")
		}
		return
	}
}

// findBlock returns the place of our block, or the end of the text without a block.
func findBlock(src *diag.Source, faults *diag.List) (start, end int, ok bool) {
	start, end, at := -1, -1, 0
	wrong := func(text, help string) (int, int, bool) {
		faults.Add(checkBlock.At(src.Pos(at), len(beginMark), "%s", text).WithHelp("%s", help))
		return 0, 0, false
	}
	for line := range strings.Lines(src.Text) {
		begins, ends := strings.HasPrefix(line, beginMark), strings.HasPrefix(line, endMark)
		switch {
		case begins && start >= 0:
			return wrong("a second beginning of a block of virtmap's", "take one of the blocks out")
		case begins:
			start = at
		case ends && (start < 0 || end >= 0):
			return wrong("the end of a block of virtmap's without its beginning", "take the line out")
		case ends:
			end = at + len(line)
		}
		at += len(line)
	}
	switch {
	case start < 0:
		return len(src.Text), len(src.Text), true
	case end < 0:
		at = start
		return wrong("the beginning of a block of virtmap's without its end", "write the line \""+blockEnd+"\" behind the block, or take the block out")
	}
	return start, end, true
}

// write returns the text with a new block, and with marks before the site's lines of the same
// names.
func (e *editor) write(block []string) string {
	out := e.own.marked(e.ours)
	e.retire(out)
	newline := "\n"
	if first, _, _ := strings.Cut(e.src.Text, "\n"); strings.HasSuffix(first, "\r") {
		newline = "\r\n"
	}
	at := len(out)
	if e.block && !hasEntries(out[e.behind:]) {
		at = e.behind
	}
	before, after := strings.Join(out[:at], ""), strings.Join(out[at:], "")
	if len(block) == 0 {
		return before + after
	}
	if before != "" && !strings.HasSuffix(before, "\n") {
		before += newline
	}
	lines := append(append([]string{blockBegin}, block...), blockEnd)
	return before + strings.Join(lines, newline) + newline + after
}

// hasEntries reports whether lines are more than comments and empty lines.
func hasEntries(lines []string) bool {
	for _, line := range lines {
		if content := trimLeft(line); content != "" && content[0] != '#' {
			return true
		}
	}
	return false
}
