package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// notRun are the blocks of pages that this machine cannot type, by the first command in
// them that tells them from others, and why. Their commands and flags are checked all the
// same.
var notRun = []struct{ page, command, why string }{
	{"README.md", "virtmap import -o mail.yaml", "a sendmail that runs, and root"},
	{"README.md", "virtmap import -o mail.yaml .", "a Postfix that runs, and root"},
	{"README.md", "virtmap init mail.yaml", "a sendmail that runs, and root"},
	{"README.md", "virtmap init --server postfix mail.yaml", "a Postfix that runs, and root"},
	{"docs/adopt.md", "virtmap import -o mail.yaml", "a sendmail that runs"},
	{"docs/adopt.md", "virtmap mx", "the network"},
	{"docs/adopt.md", "virtmap diff", "a server that runs"},
	{"docs/adopt.md", "virtmap build --adopt --config sendmail.mc --on-change 'make -C /etc/mail && service sendmail restart'", "a sendmail that runs, and root"},
	{"docs/adopt.md", "virtmap build --adopt --config main.cf --on-change 'postfix reload'", "a Postfix that runs, and root"},
	{"docs/adopt.md", "virtmap rollback 0", "a server that runs, and root"},
	{"docs/adopt.md", "virtmap import --kind exim --from exim-virtual:/etc/exim4/virtual --from aliases:/etc/aliases -o mail.yaml", "an Exim"},
	{"docs/exim.md", "virtmap init --server exim mail.yaml", "an Exim that runs, and root"},
	{"docs/import.md", "virtmap import -o mail.yaml", "a sendmail that runs"},
	{"docs/import.md", "virtmap import -o mail.yaml /etc/postfix", "a Postfix that runs"},
	{"docs/import.md", "virtmap build --adopt --config /etc/postfix/main.cf --on-change 'postfix reload'", "a Postfix that runs, and root"},
	{"docs/import.md", "virtmap import --kind exim --from exim-virtual:/etc/exim4/virtual --from aliases:/etc/aliases -o mail.yaml", "an Exim"},
	{"docs/import.md", "virtmap import --kind opensmtpd --from opensmtpd:/etc/mail/virtuals --from domains:/etc/mail/domains -o mail.yaml", "an OpenSMTPD"},
	{"docs/import.md", "virtmap import -o mail.yaml /etc/exim4/virtmap", "an Exim"},
	{"docs/import.md", "virtmap import --kind sendmail --from postfix-server:/etc/postfix -o mail.yaml", "both servers"},
	{"docs/opensmtpd.md", "virtmap init --server opensmtpd mail.yaml", "an OpenSMTPD that runs, and root"},
	{"docs/opensmtpd.md", "virtmap test --server", "an OpenSMTPD that runs, and root"},
	{"docs/performance.md", "virtmap import --host mx1.example.net --kind postfix --accounts passwd --from postfix:FILE -o NEW", "a file of a million rows"},
	{"docs/postfix.md", "virtmap init --server postfix mail.yaml", "a Postfix that runs, and root"},
	{"docs/postfix.md", "virtmap build -q --config main.cf --on-change 'case $VIRTMAP_CHANGED in *names*|*config*) postfix reload;; esac'", "a Postfix that runs"},
	{"docs/receive.md", "virtmap receive --maps out -i mail.yaml --http localhost:8025", "ends only when a person stops it"},
}

// why returns the reason why a block is not run; empty: it is run. It marks the entry.
func (b docsBlock) why(used map[int]bool) string {
	for _, s := range b.steps {
		for i, n := range notRun {
			if n.page == b.page && n.command == s.command {
				used[i] = true
				return n.why
			}
		}
	}
	return ""
}

// TestDocsCommands types the blocks of commands in the pages, each in a folder with the
// shipped example, and compares what they print with what the page shows.
func TestDocsCommands(t *testing.T) {
	used, typed := map[int]bool{}, 0
	for _, page := range docsPages(t) {
		for _, b := range docsBlocks(t, page) {
			if b.why(used) != "" {
				b.checkFlags(t)
				continue
			}
			typed++
			b.run(t)
		}
	}
	for i, n := range notRun {
		if !used[i] {
			t.Errorf("notRun has %s: %s, which is not in the page", n.page, n.command)
		}
	}
	if typed < 5 {
		t.Errorf("only %d blocks were typed", typed)
	}
}

// run types the steps of a block.
func (b docsBlock) run(t *testing.T) {
	t.Helper()
	dir := exampleFolder(t)
	if touches := b.touchesMachine(); touches != "" {
		t.Errorf("%s:%d: %s works on this machine: name the block in notRun", b.page, b.line, touches)
		return
	}
	begun := false
	for _, s := range b.steps {
		name, shown := strings.CutPrefix(s.command, "cat ")
		if begun = begun || !shown; !begun { // the page shows the files that the session begins with
			writeShown(t, filepath.Join(dir, name), s.output)
			continue
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		cmd := exec.CommandContext(ctx, "sh", "-c", ourCommand.ReplaceAllString(s.command, "virtmap$2"))
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("")
		out, err := cmd.CombinedOutput()
		switch {
		case s.session && !s.shows(string(out)):
			t.Errorf("%s:%d: $ %s prints\n%s\nand the page says\n%s", b.page, b.line, s.command, out, strings.Join(s.output, "\n"))
		case !s.session && err != nil:
			t.Errorf("%s:%d: %s: %v\n%s", b.page, b.line, s.command, err, out)
		}
	}
}

// ofMachine matches a command that could change the machine that runs the test.
var ofMachine = regexp.MustCompile(`/etc/|/usr/|/var/|--on-change|--server|\bservice\b|\breload\b|^cd `)

// touchesMachine returns a command of the block that works on the files or servers of this
// machine; without -o, these are those of a build.
func (b docsBlock) touchesMachine() string {
	for _, s := range b.steps {
		words := strings.Fields(ourCommand.ReplaceAllString(s.command, "virtmap$2"))
		ofBuild := len(words) > 1 && words[0] == "virtmap" && slices.Contains([]string{"build", "diff", "rollback", "history"}, words[1])
		if ofMachine.MatchString(s.command) || ofBuild && !slices.Contains(words, "-o") {
			return s.command
		}
	}
	return ""
}

// writeShown writes a file whose lines a page shows, and an empty line below them.
func writeShown(t *testing.T, path string, lines []string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.TrimRight(strings.Join(lines, "\n"), "\n")+"\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// exampleFolder returns a folder with the shipped example: as mail.yaml with its zones,
// and at its place in the source.
func exampleFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, place := range []string{dir, filepath.Join(dir, "testdata/example")} {
		if err := os.CopyFS(place, os.DirFS("../../testdata/example")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkFlags looks for each command and its flags. One that is not there is an error.
func (b docsBlock) checkFlags(t *testing.T) {
	t.Helper()
	for _, s := range b.steps {
		if ourCommand.MatchString(s.command) {
			knows(t, b.page, s.command)
		}
	}
}

// otherWords matches what is not for this program: quoted text, and what stands behind |.
var otherWords = regexp.MustCompile(`'[^']*'|\|.*`)

// knows fails unless the program has the command, and its flags.
func knows(t *testing.T, page, command string) {
	t.Helper()
	words := strings.Fields(otherWords.ReplaceAllString(ourCommand.ReplaceAllString(command, "virtmap$2"), ""))[1:]
	at := &cli.Command{Subcommands: commands(Stdio{}), Flags: []cli.Flag{&cli.BoolFlag{Name: "version"}}}
	for _, word := range words {
		name, flag := strings.CutPrefix(strings.TrimPrefix(word, "-"), "-")
		switch name, _, _ = strings.Cut(name, "="); {
		case flag || strings.HasPrefix(word, "-") && len(word) == 2:
			if name != "help" && !slices.ContainsFunc(at.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }) {
				t.Errorf("%s: %s: there is no %s", page, command, word)
			}
		case len(at.Subcommands) > 0:
			i := slices.IndexFunc(at.Subcommands, func(c *cli.Command) bool { return c.HasName(name) })
			if i < 0 {
				t.Errorf("%s: %s: there is no command %s", page, command, word)
				return
			}
			at = at.Subcommands[i]
		}
	}
}

// inProse matches a command in the text of a page, between backquotes.
var inProse = regexp.MustCompile("(?s)`(virtmap [^`]*)`")

// TestCommandsInProse looks for the commands and flags that the text of a page names. A
// word in capitals stands for a value, and a table of commands has brackets.
func TestCommandsInProse(t *testing.T) {
	seen := map[string]bool{}
	for _, page := range docsPages(t) {
		for _, m := range inProse.FindAllStringSubmatch(pageOf(t, page), -1) {
			command := strings.Join(strings.Fields(strings.NewReplacer("[", "", "]", "").Replace(m[1])), " ")
			if !seen[command] {
				seen[command] = true
				knows(t, page, command)
			}
		}
	}
	if len(seen) < 30 {
		t.Errorf("only %d commands", len(seen))
	}
}
