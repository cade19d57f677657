package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/build"
	"virtmap/internal/change"
)

// guardArgs are the flags of the guards.
type guardArgs struct {
	allow      cli.StringSlice
	maxRemoved int
	minSize    int
}

func guardWords() []string {
	words := make([]string, len(change.Guards))
	for i, g := range change.Guards {
		words[i] = g[0]
	}
	return words
}

func (g *guardArgs) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "allow", Destination: &g.allow, EnvVars: []string{"VIRTMAP_ALLOW"},
			Usage: "allow what a guard takes for an accident; `WORD` is one of " + strings.Join(guardWords(), ", ") + "; repeatable"},
		&cli.IntFlag{Name: "max-removed", Value: -1, Destination: &g.maxRemoved, DefaultText: "guards.max_removed", EnvVars: []string{"VIRTMAP_MAX_REMOVED"},
			Usage: "refuse to remove or redirect more than `N` percent of the addresses at once"},
		&cli.IntFlag{Name: "min-size", Value: -1, Destination: &g.minSize, DefaultText: "guards.min_size", EnvVars: []string{"VIRTMAP_MIN_SIZE"},
			Usage: "do not guard tables of fewer than `N` addresses"},
	}
}

func (g *guardArgs) check(c *cli.Context) error {
	words := guardWords()
	for _, word := range g.allow.Value() {
		if !slices.Contains(words, word) {
			return usage(fmt.Errorf("--allow %q: it is one of %s", word, strings.Join(words, ", ")))
		}
	}
	if c.IsSet("max-removed") && (g.maxRemoved < 0 || g.maxRemoved > 100) {
		return usage(errors.New("--max-removed is a percentage from 0 to 100"))
	}
	if c.IsSet("min-size") && g.minSize < 0 {
		return usage(errors.New("--min-size is not below zero"))
	}
	return nil
}

// guards returns the guards of a build.
func (g *guardArgs) guards() build.Guards {
	return build.Guards{Allow: g.allow.Value(), MaxRemoved: g.maxRemoved, MinSize: g.minSize}
}
