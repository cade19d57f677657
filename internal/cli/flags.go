package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// These flags and their environment variables take values in the forms that people and
// the inventory use: yes and no, 7d and 2w, 30%.
type (
	boolFlag     struct{ *cli.BoolFlag }
	durationFlag struct{ *cli.DurationFlag }
	percentFlag  struct{ *cli.IntFlag }
)

// readKindly replaces the flags of commands by these types.
func readKindly(all []*cli.Command) []*cli.Command {
	for _, c := range all {
		readKindly(c.Subcommands)
		for i, f := range c.Flags {
			switch f := f.(type) {
			case *cli.BoolFlag:
				c.Flags[i] = boolFlag{f}
			case *cli.DurationFlag:
				c.Flags[i] = durationFlag{f}
			case *cli.IntFlag:
				if f.Name == "max-removed" {
					c.Flags[i] = percentFlag{f}
				}
			}
		}
	}
	return all
}

func (f boolFlag) Apply(set *flag.FlagSet) (err error) {
	f.HasBeenSet, err = reading(yesOrNo).apply(set, f.BoolFlag, &f.EnvVars)
	return err
}

func (f durationFlag) Apply(set *flag.FlagSet) (err error) {
	f.HasBeenSet, err = reading(duration).apply(set, f.DurationFlag, &f.EnvVars)
	return err
}

func (f percentFlag) Apply(set *flag.FlagSet) (err error) {
	f.HasBeenSet, err = reading(percentage).apply(set, f.IntFlag, &f.EnvVars)
	return err
}

// A reading turns a value in a person's form into the form of cli/v2.
type reading func(text string) (string, error)

// apply adds a flag to a set. Values of the flag and of its variables go through the
// reading. given reports whether one of the variables is set.
func (read reading) apply(set *flag.FlagSet, f cli.Flag, variables *[]string) (given bool, err error) {
	all := *variables
	*variables = nil // cli/v2 would read the variables without the reading
	err = f.Apply(set)
	*variables = all
	if err != nil {
		return false, err
	}
	for _, name := range f.Names() {
		known := set.Lookup(name)
		known.Value = kindValue{known.Value, read}
	}
	return setFromEnvironment(set, f.Names(), all)
}

// setFromEnvironment sets a flag, under all its names, to the value of the first
// variable that is set. An empty variable counts as not set.
func setFromEnvironment(set *flag.FlagSet, names, variables []string) (given bool, err error) {
	at := slices.IndexFunc(variables, func(name string) bool { _, there := os.LookupEnv(name); return there })
	if at < 0 || os.Getenv(variables[at]) == "" {
		return false, nil
	}
	text := os.Getenv(variables[at])
	for _, name := range names {
		if err := set.Lookup(name).Value.Set(text); err != nil {
			return false, usage(fmt.Errorf("%s is %q: %w", variables[at], text, err))
		}
	}
	return true, nil
}

// A kindValue is the value of a flag whose text goes through a reading first.
type kindValue struct {
	flag.Value
	read reading
}

func (v kindValue) Set(text string) error {
	text, err := v.read(text)
	if err != nil {
		return err
	}
	return v.Value.Set(text)
}

// IsBoolFlag reports whether the flag may be given without a value, for package flag.
func (v kindValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func yesOrNo(text string) (string, error) {
	switch strings.ToLower(text) {
	case "yes", "y", "on", "true", "t", "1":
		return "true", nil
	case "no", "n", "off", "false", "f", "0":
		return "false", nil
	}
	return "", errors.New("write yes or no")
}

// maxDays is ten years, as in an inventory.
const maxDays = 10 * 365

// duration reads days and weeks as an inventory has them, and every duration of Go.
func duration(text string) (string, error) {
	days := map[string]int{"d": 1, "w": 7}[text[max(len(text)-1, 0):]]
	if days > 0 {
		n, err := strconv.Atoi(text[:len(text)-1])
		if err != nil || n < 0 || n > maxDays/days {
			return "", errors.New("write a number and s, m, h, d or w, such as 24h or 7d")
		}
		return (time.Duration(n*days) * 24 * time.Hour).String(), nil
	}
	if _, err := time.ParseDuration(text); err != nil {
		return "", errors.New("write a number and s, m, h, d or w, such as 24h or 7d")
	}
	return text, nil
}

func percentage(text string) (string, error) {
	number := strings.TrimSuffix(text, "%")
	if _, err := strconv.Atoi(number); err != nil {
		return "", errors.New("write a percentage such as 30%")
	}
	return number, nil
}
