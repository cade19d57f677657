package cli

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"virtmap/docs"
	"virtmap/internal/workshop/peer"
	"virtmap/inventory"
)

// TestManualPages checks the pages with mandoc, and compares them with the commands and
// keys.
func TestManualPages(t *testing.T) {
	for name := range manualNames {
		code, page, stderr := run("", "man", name)
		if code != exitOK || stderr != "" {
			t.Fatalf("man %s: exit %d, %s", name, code, stderr)
		}
		out, errOut, _ := peer.Try(page, peer.Find(t, "mandoc"), "-Tlint", "-W", "warning")
		for line := range strings.Lines(out + errOut) {
			if !strings.Contains(line, "missing date") { // a page has no date, so that the same program always has the same page
				t.Errorf("%s: %s", name, line)
			}
		}
		text := peer.Run(t, page, "mandoc", "-Tascii", "-O", "width=200")
		if strings.Contains(text, "](") || strings.Contains(text, "**") || strings.Contains(text, "`--") {
			t.Errorf("%s has marks of Markdown", name)
		}
		for _, want := range promised(name) {
			if !strings.Contains(plain(text), want) {
				t.Errorf("%s does not tell of %q", name, want)
			}
		}
	}
}

// promised returns the words that a page must have.
func promised(page string) (all []string) {
	if _, ok := docs.Find(page); ok {
		return []string{"NAME", page + " - ", "DESCRIPTION", "virtmap(1)"}
	}
	if page == "virtmap-inventory" {
		for _, s := range inventory.Sections() {
			for _, k := range s.Keys {
				all = append(all, k.Name)
			}
		}
		return append(all, "VM014", "UTS 46")
	}
	var tell func(prefix string, commands []*cli.Command)
	tell = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			if tell(prefix+c.Name+" ", c.Subcommands); len(c.Subcommands) > 0 {
				continue
			}
			all = append(all, prefix+c.Name)
			for _, f := range c.Flags {
				all = append(all, "--"+f.Names()[0])
			}
		}
	}
	tell("virtmap ", commands(Stdio{}))
	return append(all, "EXIT STATUS", "FILES")
}

// plain removes the characters that mandoc prints twice for bold text.
func plain(text string) string {
	var out []rune
	for _, c := range text {
		if c == '\b' && len(out) > 0 {
			out = out[:len(out)-1]
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

func TestManTakesAPageThatThereIs(t *testing.T) {
	if code, _, stderr := run("", "man", "sendmail"); code != exitUsage || !strings.Contains(stderr, "the pages are virtmap, virtmap-inventory, virtmap-adopt, ") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
