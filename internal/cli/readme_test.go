package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readme(t *testing.T) string { return pageOf(t, "README.md") }

// pageOf returns the text of a page, whose path is that from the top folder.
func pageOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTableOfCommands compares the table of docs/commands.md with the commands and their
// usage.
func TestTableOfCommands(t *testing.T) {
	text := pageOf(t, "docs/commands.md")
	app := newApp(Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	for _, c := range app.Commands {
		names := []string{c.Name}
		for _, sub := range c.Subcommands {
			names = append(names, c.Name+" "+sub.Name)
			if !strings.Contains(text, "`virtmap "+c.Name+" "+sub.Name+" "+sub.ArgsUsage+"` | "+sub.Usage) {
				t.Errorf("docs/commands.md does not have virtmap %s %s %s: %s", c.Name, sub.Name, sub.ArgsUsage, sub.Usage)
			}
		}
		if typed := strings.TrimSpace(c.Name + " " + c.ArgsUsage); len(c.Subcommands) == 0 && !strings.Contains(text, "`virtmap "+typed+"` | "+c.Usage) {
			t.Errorf("docs/commands.md does not have virtmap %s: %s", typed, c.Usage)
		}
		for _, name := range names {
			_, help, _ := run("", append(strings.Fields(name), "--help")...)
			if n := examplesOf(help); len(c.Subcommands) == 0 && n < 2 {
				t.Errorf("%s --help has %d examples\n%s", name, n, help)
			}
		}
	}
}

// examplesOf returns the number of examples in the help of a command.
func examplesOf(help string) (n int) {
	_, examples, _ := strings.Cut(help, "\n   Examples:\n")
	for line := range strings.Lines(examples) {
		if !strings.HasPrefix(line, "     ") {
			return n
		}
		n++
	}
	return n
}

// link matches the target of a link to a file of the project, and its heading.
var link = regexp.MustCompile(`\]\(([^)#:]*)(#[^)]*)?\)`)

// TestLinks follows the links of the README and of docs: each file is there, and has the
// heading.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range append(pages, "../../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			found++
			to := path
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(path), m[1])
			}
			info, err := os.Stat(to)
			if err != nil {
				t.Errorf("%s: %v", path, err)
			} else if !info.IsDir() && m[2] != "" && !hasHeading(t, to, m[2][1:]) {
				t.Errorf("%s: %s has no heading %s", path, to, m[2])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links", found)
	}
}

// hasHeading reports whether a page has the heading that a link names.
func hasHeading(t *testing.T, path, anchor string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if isHeading && line[0] == '#' && strings.ReplaceAll(strings.ToLower(strings.TrimSpace(title)), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// maxWords is how many words a sentence of the README has at most.
const maxWords = 30

// TestReadmeSentences counts the words of each sentence of the README.
func TestReadmeSentences(t *testing.T) {
	inCode := false
	var text strings.Builder
	for line := range strings.Lines(readme(t)) {
		if strings.HasPrefix(line, "```") {
			inCode = !inCode
		}
		if !inCode && !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "#") {
			text.WriteString(strings.TrimPrefix(line, "- "))
		}
	}
	for _, sentence := range regexp.MustCompile(`[.:;?!]\s+|\n\n`).Split(text.String(), -1) {
		if n := len(strings.Fields(sentence)); n > maxWords {
			t.Errorf("%d words: %s", n, sentence)
		}
	}
}
