package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// versionFlags are the flags of virtmap without a command, beside that for help.
var versionFlags = []string{"version", "v"}

// reorder puts the flags of a command before its arguments, because cli/v2 stops
// reading flags at the first argument. Words after -- stay there.
func reorder(commands []*cli.Command, args []string) ([]string, error) {
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
	if at >= len(args) {
		return args, nil
	}
	name := strings.Join(args[1:at], " ")
	if at == 1 {
		if arg := args[1]; strings.HasPrefix(arg, "-") && !slices.Contains(versionFlags, strings.TrimLeft(arg, "-")) {
			return nil, unknownFlag("", nil, arg)
		}
		return args, nil
	}
	var first, rest []string
	for i := at; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			rest = append(rest, arg)
			continue
		}
		written, value, err := readFlag(name, flags, arg)
		if err != nil {
			return nil, err
		}
		first = append(first, written)
		if value && i+1 < len(args) {
			i++
			first = append(first, args[i])
		}
	}
	if len(rest) > 0 {
		first = append(first, "--") // only after -- may an argument begin with a dash
	}
	return slices.Concat(args[:at], first, rest), nil
}

// mostLetters is the largest number of joined letters that a misspelt name is not
// thought to be.
const mostLetters = 3

// readFlag returns a flag in the form that cli/v2 reads, and whether the next argument
// is its value. A long name may have one dash. Letters may be joined, and the last of
// them may have a value.
func readFlag(command string, flags []cli.Flag, arg string) (written string, value bool, err error) {
	name, _, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	known, takes := findFlag(flags, name)
	if known {
		if len(name) > 1 && !strings.HasPrefix(arg, "--") {
			arg = "-" + arg
		}
		return arg, takes && !joined, nil
	}
	_, misspelt := nearestFlag(command, flags, name)
	if strings.HasPrefix(arg, "--") || misspelt && len(name) > mostLetters {
		return "", false, unknownFlag(command, flags, arg)
	}
	for i := range len(name) {
		known, takes := findFlag(flags, name[i:i+1])
		switch {
		case !known:
			return "", false, unknownFlag(command, flags, arg)
		case takes && i+1 < len(name):
			return "", false, usage(fmt.Errorf("%s: -%c takes a value; write -%c and the value apart", arg, name[i], name[i]))
		case takes:
			return arg, !joined, nil
		}
	}
	return arg, false, nil
}

func findFlag(flags []cli.Flag, name string) (known, takesValue bool) {
	for _, flag := range flags {
		if slices.Contains(flag.Names(), name) {
			documented, ok := flag.(cli.DocGenerationFlag)
			return true, !ok || documented.TakesValue()
		}
	}
	return name == "h" || name == "help", false
}
