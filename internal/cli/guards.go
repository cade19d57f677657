package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/publish"
	"virtmap/inventory"
)

// guardArgs say what is an accident.
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
			Usage: "let a change pass that a guard takes for an accident, by its `WORD`: " + strings.Join(guardWords(), ", ") + "; repeatable"},
		&cli.IntFlag{Name: "max-removed", Value: -1, Destination: &g.maxRemoved, DefaultText: "guards.max_removed", EnvVars: []string{"VIRTMAP_MAX_REMOVED"},
			Usage: "refuse to remove or redirect more than `N` percent of the addresses at once"},
		&cli.IntFlag{Name: "min-size", Value: -1, Destination: &g.minSize, DefaultText: "guards.min_size", EnvVars: []string{"VIRTMAP_MIN_SIZE"},
			Usage: "leave tables of fewer than `N` addresses unguarded"},
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

func (g *guardArgs) limits(m *inventory.Model) change.Limits {
	l := change.Limits{MaxRemovedPercent: m.Guards.MaxRemovedPercent, MinSize: m.Guards.MinSize, Count: len(m.Domains)}
	if g.maxRemoved >= 0 {
		l.MaxRemovedPercent = g.maxRemoved
	}
	if g.minSize >= 0 {
		l.MinSize = g.minSize
	}
	l.Inventory = func(domain string) bool {
		_, listed := m.Domain(domain)
		return listed || m.IsHostName(domain)
	}
	return l
}

// compare gives what a job changes of the installed files, in outcomes.
func (a *buildArgs) compare(j *job) (change.Change, error) {
	next := change.Of(j.source)
	layout, err := fileset.ReadLayout(a.out)
	if err != nil {
		return change.Change{}, err
	}
	_, unwritten := os.Stat(filepath.Join(a.state, publish.ManifestName))
	if _, configured := layout.Home(); configured || unwritten != nil {
		return a.compareFound(next, layout)
	}
	set, err := fileset.OpenOurs(a.out, next.Router.Host, next.Router.Account)
	if err != nil {
		return change.Change{}, err
	}
	installed, err := change.Installed(set)
	if err != nil {
		return change.Change{}, errors.Join(err, set.Close())
	}
	return change.Compare(installed, next), set.Close()
}

// compareFound compares with what the server's configuration names, or with a set
// that virtmap never wrote. Its rows may lead to the server's own aliases, where
// ours may have lists; these and the names that are not ours stay.
func (a *buildArgs) compareFound(next change.Side, layout fileset.Layout) (change.Change, error) {
	layout.Host = next.Router.Host
	set, err := fileset.OpenServer(layout, nil, next.Router.Account)
	if err != nil {
		return change.Change{}, err
	}
	found, err := change.Installed(set)
	if err != nil {
		return change.Change{}, errors.Join(err, set.Close())
	}
	found.Names = append(found.Names, layout.Host) // sendmail knows it by itself
	found.Router.Aliases = set.Router.Aliases
	set.WithSite(next.Router)
	next.Names = append(next.Names, set.Staying()...)
	return change.Compare(found, next), set.Close()
}

// approve refuses what looks like an accident. What was reviewed as a plan is
// none. Aliases of the server that cannot be read do not hold up a take-over.
func (a *buildArgs) approve(j *job, changes []publish.Change, stdio Stdio) error {
	if a.plan != "" {
		return nil
	}
	held := slices.ContainsFunc(j.set.Outputs, func(o publish.Output) bool { return o.Hold })
	if !held && !slices.ContainsFunc(changes, func(c publish.Change) bool { return !c.New }) {
		return nil // there was nothing
	}
	c, err := a.compare(j)
	takesOver := slices.ContainsFunc(changes, func(c publish.Change) bool { return c.Kept != "" })
	if err != nil && takesOver {
		fmt.Fprintf(stdio.Err, "the guards compared nothing: what is installed cannot be read: %s\n", diag.Printable(err.Error()))
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare with what is installed: %w", err)
	}
	if a.adopt {
		j.compared = &c // for what is lost
	}
	alarms := c.Alarms(a.guards.limits(j.source.Model), a.guards.allow.Value())
	if len(alarms) == 0 {
		return nil
	}
	return &accident{alarms}
}

// compared gives what a job changes, also where no guard looked at it; nil where
// nothing can be compared.
func (a *buildArgs) compared(j *job) *change.Change {
	if j.compared == nil {
		if c, err := a.compare(j); err == nil {
			j.compared = &c
		}
	}
	return j.compared
}

// An accident is a change that a guard refuses.
type accident struct{ alarms []change.Alarm }

// maxAlarms is how many alarms are printed.
const maxAlarms = 20

func (e *accident) Error() string {
	var lines, words []string
	for i, alarm := range e.alarms {
		if i < maxAlarms {
			lines = append(lines, alarm.Text)
		}
		if !slices.Contains(words, alarm.Guard) {
			words = append(words, alarm.Guard)
		}
	}
	if more := len(e.alarms) - maxAlarms; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("this looks like an accident, and nothing was written: %s. --allow %s lets it pass", strings.Join(lines, "; "), strings.Join(words, " --allow "))
}
