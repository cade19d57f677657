package cli

import (
	"embed"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/mta/servers"
	"virtmap/inventory"
)

//go:embed completion
var completionScripts embed.FS

var shells = []string{"bash", "fish", "zsh"}

func completionCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "print the completion of a shell: bash, fish or zsh", ArgsUsage: "SHELL",
		Description: `Completes commands, flags, and the words that a flag takes. It also completes
addresses for lookup, users for who and --user, and domains for mx and --domain.
These come from the inventory of -i, or from mail.yaml.

Examples:
  eval "$(virtmap completion bash)"
  virtmap completion bash > /etc/bash_completion.d/virtmap`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			if c.NArg() != 1 || !slices.Contains(shells, shell) {
				return usage(fmt.Errorf("completion takes one SHELL: %s", strings.Join(shells, ", ")))
			}
			script, err := completionScripts.ReadFile("completion/virtmap." + shell)
			if err == nil {
				_, err = stdio.Out.Write(script)
			}
			return machineExit(err, exitIO)
		},
	}
}

// completeWord is the first argument when a completion script calls virtmap.
const completeWord = "__complete"

// maxProposals is the largest number of words that are proposed.
const maxProposals = 1000

// completeLine prints the words that the last of some words may become, one on each
// line. If it prints nothing, the shell proposes files.
func completeLine(commands []*cli.Command, words []string, out io.Writer) error {
	if len(words) == 0 {
		return nil
	}
	last := words[len(words)-1]
	printed := 0
	for word := range proposals(commands, words[:len(words)-1], last) {
		if !strings.HasPrefix(word, last) {
			continue
		}
		if printed++; printed > maxProposals {
			return nil
		}
		if _, err := fmt.Fprintln(out, word); err != nil {
			return exit(exitIO, err)
		}
	}
	return nil
}

// proposals yields the words that may come after other words.
func proposals(commands []*cli.Command, before []string, last string) iter.Seq[string] {
	all, name, inventoryFile := commands, "", build.DefaultInventory
	var flags []cli.Flag
	for i := 0; i < len(before); i++ {
		word := before[i]
		if strings.HasPrefix(word, "-") {
			flag, value, joined := strings.Cut(strings.TrimLeft(word, "-"), "=")
			known, takes := findFlag(flags, flag)
			if known && takes && !joined {
				if i++; i == len(before) {
					return wordsOfValue(name, flags, flag, inventoryFile)
				}
				value = before[i]
			}
			if flag == "i" || flag == "inventory" {
				inventoryFile = value
			}
			continue
		}
		if at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(word) }); at >= 0 {
			name, flags, commands = strings.TrimSpace(name+" "+word), commands[at].Flags, commands[at].Subcommands
		}
	}
	if flag, prefix, ok := joinedFlag(last); ok {
		return valueWords(name, flags, flag, prefix)
	}
	switch {
	case strings.HasPrefix(last, "-"):
		return flagWords(flags)
	case len(commands) > 0:
		return commandWords(commands)
	case name == "help":
		return commandWords(all)
	case name == "explain":
		return checkWords
	case name == "man":
		return manualNames
	case name == "completion":
		return slices.Values(shells)
	case name == "lookup" || name == "who" || name == "mx":
		return inventoryWords(name, inventoryFile)
	}
	return none
}

// wordsOfValue yields the values of a flag; of --domain and --user, the names in the
// inventory.
func wordsOfValue(command string, flags []cli.Flag, flag, inventoryFile string) iter.Seq[string] {
	switch {
	case flag == "domain":
		return inventoryWords("mx", inventoryFile)
	case command == "list" && flag == "user":
		return inventoryWords("who", inventoryFile)
	}
	return valueWords(command, flags, flag, "")
}

func none(func(string) bool) {}

func flagWords(flags []cli.Flag) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, f := range flags {
			if !yield("--" + f.Names()[0]) {
				return
			}
		}
	}
}

func commandWords(commands []*cli.Command) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, c := range commands {
			if !yield(c.Name) {
				return
			}
		}
	}
}

func checkWords(yield func(string) bool) {
	for _, c := range servers.Checks().All() {
		if !yield(c.ID) {
			return
		}
	}
}

// inventoryWords yields addresses, users or domains of an inventory. The inventory may
// have faults.
func inventoryWords(command, path string) iter.Seq[string] {
	if path == inventory.StdinName {
		return none
	}
	m, _, err := inventory.Load(path, strings.NewReader(""))
	if err != nil {
		return none
	}
	return func(yield func(string) bool) {
		if command == "who" {
			for _, u := range m.Users {
				if !yield(u.Name.Text) {
					return
				}
			}
			return
		}
		for i := range m.Domains {
			d := &m.Domains[i]
			if command == "mx" && !yield(d.Name) {
				return
			}
			for j := range d.Addresses {
				if a := &d.Addresses[j]; command == "lookup" && a.Form == inventory.Plain && !yield(a.Local+"@"+d.Name) {
					return
				}
			}
		}
	}
}
