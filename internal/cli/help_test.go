package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// eachCommand calls do for every command without sub-commands, with its whole name.
func eachCommand(do func(name string, c *cli.Command)) {
	var walk func(prefix string, all []*cli.Command)
	walk = func(prefix string, all []*cli.Command) {
		for _, c := range all {
			if walk(prefix+c.Name+" ", c.Subcommands); len(c.Subcommands) == 0 {
				do(prefix+c.Name, c)
			}
		}
	}
	walk("virtmap ", commands(Stdio{}))
}

// TestEveryCommandIsInAGroup compares the groups of the help with the commands: each is
// in one group, and in the order of the commands.
func TestEveryCommandIsInAGroup(t *testing.T) {
	var grouped, all []string
	for _, g := range groups {
		grouped = append(grouped, g.names...)
	}
	for _, c := range commands(Stdio{}) {
		all = append(all, c.Name)
	}
	if !slices.Equal(grouped, all) {
		t.Errorf("the groups have %q\nthe commands are %q", grouped, all)
	}
}

// TestHelpStaysWithinItsWidth wraps the help of every command at two widths. Only
// examples, tables and single words are wider.
func TestHelpStaysWithinItsWidth(t *testing.T) {
	for _, width := range []int{80, 50} {
		pages := map[string]string{"virtmap": helpOfProgram(commands(Stdio{}), width)}
		eachCommand(func(name string, c *cli.Command) { pages[name] = helpOfCommand(c, name, width) })
		for name, page := range pages {
			examples := false
			for line := range strings.Lines(page) {
				line = strings.TrimSuffix(line, "\n")
				examples = line == "   Examples:" || examples && strings.HasPrefix(line, "     ")
				table := width < 80 && strings.HasPrefix(line, "     ")
				if utf8.RuneCountInString(line) > width && !examples && !table && len(strings.Fields(line)) > 1 {
					t.Errorf("%s at %d columns has the line\n%s", name, width, line)
				}
			}
		}
	}
}

// TestHelpKeepsWords looks for the words of every option in the help of its command.
func TestHelpKeepsWords(t *testing.T) {
	options := 0
	eachCommand(func(name string, c *cli.Command) {
		for _, width := range []int{80, 50} {
			page := " " + strings.Join(strings.Fields(helpOfCommand(c, name, width)), " ") + " "
			for _, f := range c.Flags {
				term, text := flagTerm(f)
				if options++; !strings.Contains(page, " "+term+" "+strings.Join(strings.Fields(text), " ")+" ") {
					t.Errorf("%s at %d columns does not say %s %s", name, width, term, text)
				}
			}
			if strings.Contains(page, "default: false") {
				t.Errorf("%s has a default of false", name)
			}
		}
	})
	if options < 100 {
		t.Errorf("only %d options", options)
	}
}

// TestHelpAsked reads command lines with a request for help, or with something that only
// looks like one.
func TestHelpAsked(t *testing.T) {
	all := newApp(Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}).Commands
	for line, want := range map[string]string{
		"virtmap --help":                    "asked",
		"virtmap -h":                        "asked",
		"virtmap build -h":                  "asked build",
		"virtmap build -nh":                 "asked build",
		"virtmap map get x --help":          "asked map get",
		"virtmap check --inventry x -h":     "asked check",
		"virtmap check -i -h":               "", // a file of this name
		"virtmap check -i=x --help":         "asked check",
		"virtmap lookup -- -h":              "",
		"virtmap build -path":               "",
		"virtmap build":                     "",
		"virtmap who --maps /etc/mail help": "",
	} {
		topic, asked := helpAsked(all, strings.Fields(line))
		got := strings.TrimSpace("asked " + strings.Join(topic, " "))
		if !asked {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, not %q", line, got, want)
		}
	}
}

// TestHelpIsForEveryServer: a help that speaks of sendmail speaks of Postfix too.
func TestHelpIsForEveryServer(t *testing.T) {
	spoke := 0
	eachCommand(func(name string, c *cli.Command) {
		text := helpOfCommand(c, name, widestHelp)
		if !strings.Contains(text, "sendmail") {
			return
		}
		spoke++
		if !strings.Contains(text, "Postfix") && !strings.Contains(text, "postfix") && !strings.Contains(text, "main.cf") {
			t.Errorf("the help of %s speaks of sendmail only", name)
		}
	})
	if spoke < 5 {
		t.Errorf("only %d helps speak of sendmail", spoke)
	}
}
