package cli

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// The flags here, and their variables, take a value as people write it, and as
// the inventory does: yes and no, 7d and 2w, 30%.

type (
	boolFlag     struct{ *cli.BoolFlag }
	durationFlag struct{ *cli.DurationFlag }
	percentFlag  struct{ *cli.IntFlag }
)

// readKindly has all flags of commands take such values.
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

func (f boolFlag) Apply(set *flag.FlagSet) error {
	variables := f.EnvVars
	f.EnvVars = nil // cli/v2 would read them its own way
	err := f.BoolFlag.Apply(set)
	f.EnvVars = variables
	if err == nil {
		f.HasBeenSet, err = reading(yesOrNo).into(set, f.Names(), variables)
	}
	return err
}

func (f durationFlag) Apply(set *flag.FlagSet) error {
	variables := f.EnvVars
	f.EnvVars = nil
	err := f.DurationFlag.Apply(set)
	f.EnvVars = variables
	if err == nil {
		f.HasBeenSet, err = reading(duration).into(set, f.Names(), variables)
	}
	return err
}

func (f percentFlag) Apply(set *flag.FlagSet) error {
	variables := f.EnvVars
	f.EnvVars = nil
	err := f.IntFlag.Apply(set)
	f.EnvVars = variables
	if err == nil {
		f.HasBeenSet, err = reading(percentage).into(set, f.Names(), variables)
	}
	return err
}

// A reading gives a value as cli/v2 takes it.
type reading func(text string) (string, error)

// into has a flag read so, under all its names, and reads the first of its
// variables that is set.
func (read reading) into(set *flag.FlagSet, names, variables []string) (given bool, err error) {
	for _, name := range names {
		known := set.Lookup(name)
		known.Value = kindValue{known.Value, read}
	}
	for _, variable := range variables {
		text, ok := os.LookupEnv(variable)
		switch {
		case !ok:
			continue
		case text == "":
			return false, nil // as if it were not there
		}
		for _, name := range names {
			if err := set.Lookup(name).Value.Set(text); err != nil {
				return false, usage(fmt.Errorf("%s is %q: %w", variable, text, err))
			}
		}
		return true, nil
	}
	return false, nil
}

// A kindValue is the value of a flag that is read so.
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

// IsBoolFlag tells the flag package that there may be no value.
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

// duration reads days and weeks as an inventory does, and all that Go does.
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
