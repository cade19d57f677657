package cli

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A docsBlock is a block of commands of a page: between fences, or behind four blanks.
type docsBlock struct {
	page  string // such as docs/mx.md
	line  int    // of its first step
	steps []docsStep
}

// A docsStep is one command, and the output that the page shows below it.
type docsStep struct {
	command string
	output  []string
	session bool // the block is a session, so its outputs are whole
}

// docsPages returns the paths of the README and of docs, from the top folder.
func docsPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages in docs: %v", len(pages), err)
	}
	names := []string{"README.md"}
	for _, path := range pages {
		names = append(names, "docs/"+filepath.Base(path))
	}
	return names
}

// docsBlocks returns the blocks of a page that have a command of virtmap.
func docsBlocks(t *testing.T, page string) (blocks []docsBlock) {
	t.Helper()
	var lines []string
	fenced, first := false, 0
	end := func() {
		if b := newDocsBlock(page, first, lines); b.runsVirtmap() {
			blocks = append(blocks, b)
		}
		lines, first = nil, 0
	}
	number := 0
	for line := range strings.Lines(pageOf(t, page)) {
		number++
		line = strings.TrimRight(line, "\n")
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			if fenced = !fenced; !fenced {
				end()
			}
			continue
		case !fenced && !indented:
			end()
			continue
		case !fenced:
			line = code
		}
		if lines = append(lines, line); first == 0 {
			first = number
		}
	}
	if end(); fenced {
		t.Errorf("%s: the last fence is open", page)
	}
	return blocks
}

// newDocsBlock divides the lines of a block into steps. In a session each command stands
// behind "$ "; without one, each line is a command, and an output is not shown.
func newDocsBlock(page string, first int, lines []string) docsBlock {
	b := docsBlock{page: page, line: first}
	session := len(lines) > 0 && strings.HasPrefix(lines[0], "$ ")
	for _, line := range lines {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case begins || !session && line != "":
			b.steps = append(b.steps, docsStep{command: command, session: session})
		case session:
			last := &b.steps[len(b.steps)-1]
			last.output = append(last.output, line)
		}
	}
	return b
}

// ourCommand matches the start of a command line that runs this program.
var ourCommand = regexp.MustCompile(`^(virtmap|go run \.)( |$)`)

func (b docsBlock) runsVirtmap() bool {
	for _, s := range b.steps {
		if ourCommand.MatchString(s.command) {
			return true
		}
	}
	return false
}

// shows reports whether an output is what a page shows. The line "..." of a page stands
// for any lines, and empty lines at the end do not count.
func (s docsStep) shows(output string) bool {
	var pattern strings.Builder
	for _, line := range strings.Split(strings.TrimRight(strings.Join(s.output, "\n"), "\n"), "\n") {
		if line == "..." {
			pattern.WriteString(`(.*\n)*`)
		} else {
			pattern.WriteString(regexp.QuoteMeta(line) + `\n`)
		}
	}
	return regexp.MustCompile(`^` + pattern.String() + `$`).MatchString(strings.TrimRight(output, "\n") + "\n")
}

// TestDocsBlocks divides a page as the other tests do.
func TestDocsBlocks(t *testing.T) {
	b := newDocsBlock("page", 3, []string{"$ virtmap check", "one", "...", "four", "", "$ ls"})
	if len(b.steps) != 2 || !b.runsVirtmap() || b.steps[1].command != "ls" {
		t.Fatalf("%+v", b)
	}
	for output, want := range map[string]bool{"one\ntwo\nthree\nfour\n": true, "one\nfour": true, "one\nfive\n": false, "four\n": false, "": false} {
		if b.steps[0].shows(output) != want {
			t.Errorf("%q is taken: %v", output, !want)
		}
	}
	if b := newDocsBlock("page", 1, []string{"cd /etc/mail", "", "virtmap check"}); len(b.steps) != 2 || b.steps[0].session {
		t.Errorf("%+v", b)
	}
	if newDocsBlock("page", 1, []string{"host:", "  name: virtmap.example"}).runsVirtmap() {
		t.Error("an inventory is taken for commands")
	}
}
