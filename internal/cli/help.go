package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/diag"
)

// A group is a part of the list of commands in the help.
type group struct {
	title string
	names []string
}

// groups are the groups of commands, those of every day first. A test finds a command
// that is in no group.
var groups = []group{
	{"Every day", []string{"check", "diff", "build", "fmt", "history", "rollback"}},
	{"Look", []string{"list", "lookup", "who", "mx", "page"}},
	{"Prove", []string{"test", "receive"}},
	{"Begin", []string{"init", "import"}},
	{"Maps", []string{"map"}},
	{"Help", []string{"help", "explain", "schema", "man", "completion", "version"}},
}

func helpCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "say how a command is used", ArgsUsage: "[COMMAND...]",
		Description: `Prints what COMMAND --help prints. Without a COMMAND it lists all commands, the
exit codes and the files.

Examples:
  virtmap help build
  virtmap help map make`,
		OnUsageError: onUsageError,
		Action:       func(c *cli.Context) error { return showHelp(c.App.Commands, c.Args().Slice(), stdio) },
	}
}

func versionCommand(stdio Stdio) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version of virtmap",
		Description: `Prints one line, as --version does.

Examples:
  virtmap version
  virtmap --version`,
		OnUsageError: onUsageError,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage(errors.New("version takes no argument"))
			}
			if _, err := fmt.Fprintf(stdio.Out, "virtmap version %s\n", version()); err != nil {
				return exit(exitIO, err)
			}
			return nil
		},
	}
}

// helpAsked reports whether --help or -h is among the flags of a command line, and
// returns the names of the command before it.
func helpAsked(commands []*cli.Command, args []string) (topic []string, asked bool) {
	var flags []cli.Flag
	for i := 1; i < len(args) && args[i] != "--"; i++ {
		if arg := args[i]; arg == "-" || !strings.HasPrefix(arg, "-") {
			at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(arg) })
			if at < 0 {
				commands = nil // the arguments have begun
				continue
			}
			topic = append(topic, arg)
			flags, commands = commands[at].Flags, commands[at].Subcommands
			continue
		}
		help, takesNext := asksHelp(flags, args[i])
		if help {
			return topic, true
		}
		if takesNext {
			i++
		}
	}
	return nil, false
}

// asksHelp reports whether a flag asks for help, alone or as one of several letters, and
// whether the next argument is its value.
func asksHelp(flags []cli.Flag, arg string) (help, takesNext bool) {
	name, _, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	if known, takes := findFlag(flags, name); known || strings.HasPrefix(arg, "--") {
		return name == "h" || name == "help", takes && !joined
	}
	for i := range len(name) {
		known, takes := findFlag(flags, name[i:i+1])
		switch {
		case !known:
			return false, false
		case name[i] == 'h':
			return true, false
		case takes:
			return false, i+1 == len(name) && !joined
		}
	}
	return false, false
}

// showHelp prints the help of the program, or of the command that is named.
func showHelp(commands []*cli.Command, topic []string, stdio Stdio) error {
	width := 80
	if isTerminal(stdio.Out) {
		width = min(widthOf(stdio.Out), widestHelp)
	}
	text := helpOfProgram(commands, width)
	for i, name := range topic {
		at := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(name) })
		if at < 0 {
			return usage(unknownCommand(commands, name))
		}
		text = helpOfCommand(commands[at], "virtmap "+strings.Join(topic[:i+1], " "), width)
		commands = commands[at].Subcommands
	}
	if _, err := io.WriteString(stdio.Out, text); err != nil {
		return exit(exitIO, err)
	}
	return nil
}

// helpOfProgram returns the list of commands with what all of them share.
func helpOfProgram(commands []*cli.Command, width int) string {
	h := &helpText{width: width}
	h.heading("NAME")
	h.text("virtmap - " + appUsage)
	h.heading("USAGE")
	h.text("virtmap COMMAND [FLAG...] [ARGUMENT...]")
	h.heading("COMMANDS")
	for _, g := range groups {
		h.line(helpIndent, g.title+":")
		for _, c := range commands {
			if slices.Contains(g.names, c.Name) {
				h.item(helpIndent+2, commandColumn, c.Name, c.Usage)
			}
		}
	}
	h.heading("DESCRIPTION")
	h.text(about)
	h.heading("EXIT CODES")
	h.text(exitCodes)
	h.heading("FILES")
	h.text(files)
	h.text("\nvirtmap help COMMAND says more about a command, and virtmap man has all of it.")
	return h.out.String()
}

// helpOfCommand returns the help of a command, whose whole name is given.
func helpOfCommand(c *cli.Command, name string, width int) string {
	h := &helpText{width: width}
	h.heading("NAME")
	h.text(name + " - " + c.Usage)
	h.heading("USAGE")
	form := name
	flags := slices.DeleteFunc(slices.Clone(c.Flags), func(f cli.Flag) bool { return f.Names()[0] == "help" }) // cli/v2 adds it
	if len(flags) > 0 {
		form += " [FLAG...]"
	}
	if len(c.Subcommands) > 0 {
		form += " COMMAND"
	}
	h.text(strings.TrimSpace(form + " " + c.ArgsUsage))
	h.heading("DESCRIPTION")
	h.text(c.Description)
	if len(c.Subcommands) > 0 {
		h.heading("COMMANDS")
	}
	for _, inner := range c.Subcommands {
		h.item(helpIndent, commandColumn, inner.Name, inner.Usage)
	}
	h.heading("OPTIONS")
	for _, f := range flags {
		term, text := flagTerm(f)
		h.item(helpIndent, optionColumn, term, text)
	}
	h.item(helpIndent, optionColumn, "--help, -h", "print this help")
	return h.out.String()
}

// unknownFlag returns the error of usage for a flag that a command lacks. name is the
// name of the command; of virtmap itself it is empty.
func unknownFlag(name string, flags []cli.Flag, arg string) error {
	written, _, _ := strings.Cut(arg, "=")
	near, ok := nearestFlag(name, flags, strings.TrimLeft(written, "-"))
	switch {
	case ok:
		return usage(fmt.Errorf("%s has no flag %s; did you mean --%s?", strings.TrimSpace("virtmap "+name), written, near))
	case name == "":
		return usage(fmt.Errorf("virtmap has no flag %s before the command; the flags of a command stand after its name", written))
	}
	return usage(fmt.Errorf("virtmap %s has no flag %s; virtmap help %s lists its flags", name, written, name))
}

// nearestFlag returns the long name of a flag that is most like a word, or that begins
// with it. One letter is like nothing.
func nearestFlag(command string, flags []cli.Flag, word string) (string, bool) {
	if len(word) < 2 {
		return "", false
	}
	known := []string{"help"}
	if command == "" {
		known = append(known, "version")
	}
	for _, f := range flags {
		known = append(known, f.Names()...)
	}
	known = slices.DeleteFunc(known, func(name string) bool { return len(name) == 1 })
	words := diag.Words{Names: slices.Values(known)}
	if near, ok := words.Nearest(word); ok {
		return near, true
	}
	at := slices.IndexFunc(known, func(name string) bool { return strings.HasPrefix(name, word) })
	if at < 0 {
		return "", false
	}
	return known[at], true
}
