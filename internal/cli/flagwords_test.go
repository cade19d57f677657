package cli

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// wrongValue matches the message about a wrong value of a flag, such as `--format "x":
// it is text, json or markdown` or `--from "x": write KIND:FILE, with one of …`.
var wrongValue = regexp.MustCompile(`--[a-z-]+ "xyzzy": (?:it is (?:one of )?|write KIND:FILE, with one of )(.*)`)

// wordsSaid returns the words in such a message.
func wordsSaid(message string) []string {
	m := wrongValue.FindStringSubmatch(message)
	if m == nil {
		return nil
	}
	words := strings.Split(strings.ReplaceAll(m[1], " or ", ", "), ", ")
	for i, word := range words {
		word, _, _ = strings.Cut(word, " (")
		words[i] = strings.TrimSuffix(word, "DIR")
	}
	slices.Sort(words)
	return words
}

// wordy are the flags that take only certain words.
var wordy = []string{"allow", "fail-on", "format", "from", "kind", "mx", "only", "store", "type"}

// TestLegalWords gives a wrong value to every flag of wordy. The words in the message
// are the words of the completion.
func TestLegalWords(t *testing.T) {
	t.Chdir(t.TempDir())
	app := newApp(Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	found := 0
	var each func(name string, c *cli.Command)
	each = func(name string, c *cli.Command) {
		for _, sub := range c.Subcommands {
			each(name+" "+sub.Name, sub)
		}
		for _, f := range c.Flags {
			flag := f.Names()[0]
			if !slices.Contains(wordy, flag) && name+" "+flag != "init server" {
				if legal := legalWords(name, flag); len(legal) > 0 {
					t.Errorf("%s --%s is completed with %q", name, flag, legal)
				}
				continue
			}
			args := append(strings.Fields(name), "--"+flag, "xyzzy")
			if name == "map make" || name == "who" {
				args = append(args, "andrei")
			}
			_, _, errOut := run("", args...)
			said, legal := wordsSaid(errOut), slices.Clone(legalWords(name, flag))
			if len(said) > 0 {
				found++
			}
			if name == "import" && flag == "from" {
				for i := range said {
					said[i] += ":"
				}
				slices.Sort(said)
			}
			slices.Sort(legal)
			if !slices.Equal(said, legal) {
				t.Errorf("%s --%s takes %q and is completed with %q\n%s", name, flag, said, legal, errOut)
			}
		}
	}
	for _, c := range app.Commands {
		each(c.Name, c)
	}
	if found < 10 {
		t.Errorf("only %d flags say what they take", found)
	}
}
