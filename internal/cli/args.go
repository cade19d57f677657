package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// reorder puts the flags of a command before its arguments: cli/v2 stops
// reading flags at the first argument. What stands behind -- stays there.
func reorder(commands []*cli.Command, args []string) []string {
	at := 1
	var flags []cli.Flag
	for at < len(args) {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(args[at]) })
		if i < 0 {
			break
		}
		flags = commands[i].Flags
		commands = commands[i].Subcommands
		at++
	}
	if at == 1 || at >= len(args) {
		return args
	}
	var first, rest []string
	for i := at; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return slices.Concat(args[:at], first, []string{"--"}, rest, args[i+1:])
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			rest = append(rest, arg)
		default:
			first = append(first, arg)
			if takesValue(flags, arg) && i+1 < len(args) {
				i++
				first = append(first, args[i])
			}
		}
	}
	if len(rest) > 0 {
		first = append(first, "--") // an argument may begin with a dash only behind it
	}
	return slices.Concat(args[:at], first, rest)
}

// takesValue reports whether a flag's value is the next argument.
func takesValue(flags []cli.Flag, arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	name := strings.TrimLeft(arg, "-")
	if !strings.HasPrefix(arg, "--") && len(name) > 1 {
		name = name[len(name)-1:] // -qi FILE
	}
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			_, isBool := flag.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
