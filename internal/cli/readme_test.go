package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeSession types the terminal session of the README and compares the output.
// The first cat of a file shows the contents with which the session writes it.
func TestReadmeSession(t *testing.T) {
	_, session, _ := strings.Cut(readme(t), "```\n$ ")
	session, _, _ = strings.Cut(session, "```")
	t.Chdir(t.TempDir())
	for _, step := range strings.Split(session, "\n$ ") {
		command, want, _ := strings.Cut(step, "\n")
		want = strings.TrimRight(want, "\n")
		fields := strings.Fields(command)
		switch fields[0] {
		case "virtmap":
			var out bytes.Buffer
			Run(context.Background(), fields, Stdio{Out: &out, Err: &out})
			if got := strings.TrimRight(out.String(), "\n"); got != want {
				t.Errorf("$ %s prints\n%s\nand the README says\n%s", command, got, want)
			}
		case "cat":
			text, err := os.ReadFile(fields[1])
			if os.IsNotExist(err) {
				text, err = []byte(want), os.WriteFile(fields[1], []byte(want+"\n"), 0o644)
			}
			if err != nil || strings.TrimRight(string(text), "\n") != want {
				t.Errorf("$ %s prints\n%s\n%v", command, text, err)
			}
		default:
			if out, err := exec.Command(fields[0], fields[1:]...).CombinedOutput(); err != nil || string(out) != want {
				t.Errorf("$ %s: %v\n%s", command, err, out)
			}
		}
	}
}

// TestReadmeCommands compares the table of the README with the commands and their
// usage.
func TestReadmeCommands(t *testing.T) {
	text := readme(t)
	app := newApp(Stdio{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
	for _, c := range app.Commands {
		names := []string{c.Name}
		for _, sub := range c.Subcommands {
			names = append(names, c.Name+" "+sub.Name)
			if !strings.Contains(text, "`virtmap "+c.Name+" "+sub.Name+" "+sub.ArgsUsage+"` | "+sub.Usage) {
				t.Errorf("the README does not have virtmap %s %s %s: %s", c.Name, sub.Name, sub.ArgsUsage, sub.Usage)
			}
		}
		if typed := strings.TrimSpace(c.Name + " " + c.ArgsUsage); len(c.Subcommands) == 0 && !strings.Contains(text, "`virtmap "+typed+"` | "+c.Usage) {
			t.Errorf("the README does not have virtmap %s: %s", typed, c.Usage)
		}
		for _, name := range names {
			_, help, _ := run("", append(strings.Fields(name), "--help")...)
			if n := strings.Count(help, "\n   virtmap "+strings.Fields(name)[0]); len(c.Subcommands) == 0 && n < 2 {
				t.Errorf("%s --help has %d examples\n%s", name, n, help)
			}
		}
	}
}
