package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"virtmap/internal/change"
	"virtmap/internal/diag"
	"virtmap/internal/mta/sendmail"
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

// compare gives what a job changes of the installed files, in outcomes. It reads
// the text of a map that is damaged, and the copy of a text that is damaged, and
// notes that in j.instead: damage must not let an accident pass.
func (a *buildArgs) compare(j *job, files []publish.Change, stdio Stdio) (change.Change, error) {
	next := j.source.View()
	layout, err := sendmail.ReadLayout(a.out)
	if err != nil {
		return change.Change{}, err
	}
	if !publish.Known(publish.OS, a.state) {
		return a.compareFound(next, layout, stdio)
	}
	var damaged []string
	for _, file := range files {
		if file.Damage != "" {
			damaged = append(damaged, file.Path)
		}
	}
	set, instead, blind, err := sendmail.OpenSound(a.out, a.copies, damaged, next.Router.Host, next.Router.Account)
	if err != nil {
		return change.Change{}, err
	}
	j.instead = instead
	if blind {
		stdio.tell("guards: no row of the virtusertable can be read; no address was compared")
	}
	installed, err := set.View()
	if err != nil {
		return change.Change{}, errors.Join(err, set.Close())
	}
	site, err := a.openSite(layout, stdio)
	if err != nil {
		return change.Change{}, errors.Join(err, set.Close())
	}
	installed.WithSite(site)
	next.WithSite(site)
	c, err := change.Compare(sendmail.Compared(installed, next))
	return c, errors.Join(err, set.Close(), site.Close())
}

// openSite opens the server's own files: its aliases, and its names beside ours.
// It passes over a map that is damaged, and says so.
func (a *buildArgs) openSite(layout sendmail.Layout, stdio Stdio) (*sendmail.Installed, error) {
	own := layout.Own()
	notes, _ := own.PassOver()
	for _, note := range notes {
		stdio.tell("guards: " + note)
	}
	return sendmail.OpenServer(own, nil, nil)
}

// copies gives the path of the copy that virtmap keeps of a text it wrote.
func (a *buildArgs) copies(name string) (path string, ok bool) {
	return publish.Copy(publish.OS, a.state, name)
}

// errBlind is returned where virtmap never wrote the virtusertable, and neither its
// map nor its text can be read.
var errBlind = errors.New("neither the map nor the text of the virtusertable can be read")

// compareFound compares with a set that virtmap never wrote: the files that the
// server's configuration names. The rows of such a set may lead to the server's own
// aliases, which stay, as the names do that are not ours.
func (a *buildArgs) compareFound(next *sendmail.View, layout sendmail.Layout, stdio Stdio) (change.Change, error) {
	layout.Host = next.Router.Host
	notes, blind := layout.PassOver()
	for _, note := range notes {
		stdio.tell("guards: " + note)
	}
	if blind {
		return change.Change{}, errBlind
	}
	set, err := sendmail.OpenServer(layout, nil, next.Router.Account)
	if err != nil {
		return change.Change{}, err
	}
	found, err := set.View()
	if err != nil {
		return change.Change{}, errors.Join(err, set.Close())
	}
	found.AddServed(layout.Host) // sendmail knows it by itself
	found.WithAliases(set)
	next.WithSite(set)
	c, err := change.Compare(sendmail.Compared(found, next))
	return c, errors.Join(err, set.Close())
}

// approve refuses what looks like an accident. What was reviewed as a plan is
// none. A take-over of what cannot be compared is refused until --allow removed;
// damaged alias files of the server are passed over, and named.
func (a *buildArgs) approve(j *job, changes []publish.Change, stdio Stdio) error {
	if a.plan != "" {
		return nil
	}
	held := slices.ContainsFunc(j.set.Outputs, func(o publish.Output) bool { return o.Hold })
	if !held && !slices.ContainsFunc(changes, func(c publish.Change) bool { return !c.New }) {
		return nil // there was nothing
	}
	c, err := a.compare(j, changes, stdio)
	takesOver := slices.ContainsFunc(changes, func(c publish.Change) bool { return c.Kept != "" })
	if err != nil && (takesOver || errors.Is(err, errBlind)) && !slices.Contains(a.guards.allow.Value(), change.TooMany) {
		return &accident{[]change.Alarm{{Guard: change.TooMany, Text: "nothing of what is installed can be compared: " + err.Error()}}}
	}
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
	for _, path := range slices.Sorted(maps.Keys(j.instead)) {
		stdio.tell(fmt.Sprintf("guards: %s is damaged or gone; they compared %s", path, j.instead[path]))
	}
	return &accident{alarms}
}

// compared gives what a job changes in outcomes, and compares when no guard has;
// nil when nothing can be compared.
func (a *buildArgs) compared(j *job, stdio Stdio) *change.Change {
	if j.compared == nil {
		if c, err := a.compare(j, nil, stdio); err == nil {
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
