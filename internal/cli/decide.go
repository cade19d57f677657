package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/fileset"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mta/sendmail/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
	"virtmap/virtuser"
)

// A serving is which domains are served, and what there is to remember and to
// say about it.
type serving struct {
	policy   *hostnames.Policy
	decision hostnames.Decision
	zones    resolve.Reading // what the verdicts are from; empty: no zone file
	before   []byte          // the memory's file
	keep     bool            // that file may be written
	aside    bool            // that file is damaged, and is put aside
}

// decide asks about the domains that are due and decides which are served. It
// sets Held of the others.
func (a *buildArgs) decide(ctx context.Context, m *inventory.Model, stdio Stdio) (*serving, error) {
	c, err := a.recall(m, stdio)
	if err != nil {
		return nil, err
	}
	due := c.policy.Due()
	verdicts := make(map[int]mxcheck.Verdict, len(due))
	if len(due) > 0 {
		q, err := a.asking.open(&m.Host, a.mx == mxZone, stdio)
		if err != nil {
			return nil, err
		}
		c.zones = q.zones
		subjects := make([]mxcheck.Subject, len(due))
		for n, i := range due {
			subjects[n] = hostnames.Subject(m, &m.Domains[i])
		}
		answers, err := q.ask(ctx, subjects, stdio)
		if err != nil {
			return nil, machineExit(err, exitIO)
		}
		for n, i := range due {
			verdicts[i] = answers[n]
		}
	}
	c.decision = c.policy.Decide(verdicts)
	return c, nil
}

// recall gathers what is installed and remembered. A memory that cannot be
// read must not stop the addresses of a served domain from being written.
func (a *buildArgs) recall(m *inventory.Model, stdio Stdio) (*serving, error) {
	c := &serving{keep: true}
	c.policy = &hostnames.Policy{Model: m, Memory: hostnames.NewMemory(), Now: time.Now().UTC().Truncate(time.Second), Zones: a.mx == mxZone}
	path := filepath.Join(a.state, hostnames.MemoryName)
	text, err := publish.ReadState(publish.OS, path)
	if err == nil {
		var memory *hostnames.Memory
		if memory, err = hostnames.ParseMemory(text); err == nil {
			c.policy.Memory, c.before = memory, text
		}
	}
	c.keep = !errors.Is(err, hostnames.ErrLater) // a later virtmap may need it
	c.aside = err != nil && c.keep
	if err != nil {
		stdio.tell(fmt.Sprintf("%s cannot be used (%v); what is served is taken from the installed files instead", path, err))
	}
	if c.policy.ClassW, err = a.served(c, mcfile.HostNames); err != nil {
		return nil, err
	}
	if c.policy.ClassW == nil && len(c.before) == 0 {
		// Class w may be kept elsewhere: on a first run the rows tell.
		if c.policy.ClassW, err = a.installed(mcfile.Virtusertable, tableDomains); err != nil {
			return nil, err
		}
	}
	c.policy.Relayed, err = a.served(c, mcfile.RelayDomains)
	return c, err
}

// served gives the domains of an installed list of names; nil when the memory alone
// counts, because the list is not there or damaged. A list that is not as virtmap
// wrote it may have lost names, and a domain that is lost so is not new: served
// adds those that are remembered as served, or, where there is no memory, those of
// virtmap's copy.
func (a *buildArgs) served(c *serving, file string) (map[string]bool, error) {
	path := filepath.Join(a.out, file)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, machineExit(fmt.Errorf("%q %w", path, publish.ErrNotFile), exitIO)
	}
	text, err := readIfThere(path)
	if err != nil || text != nil && publish.Wrote(publish.OS, a.state, path) {
		return namesOf(file, text, listedNames), err
	}
	var names map[string]bool
	if text != nil && fileset.DamagedText(text) == nil {
		names = namesOf(file, text, listedNames)
	}
	if len(c.before) > 0 {
		if names == nil {
			return nil, nil
		}
		for name, r := range c.policy.Memory.Domains {
			if r.Served && r.Backup == (file == mcfile.RelayDomains) {
				names[name] = true
			}
		}
		return names, nil
	}
	if place, ok := a.copies(file); ok {
		written, err := readIfThere(place)
		if err != nil {
			return nil, err
		}
		if names == nil {
			names = map[string]bool{}
		}
		maps.Copy(names, namesOf(file, written, listedNames))
	}
	return names, nil
}

// installed gives the domains of an installed file; nil when it is not there.
func (a *buildArgs) installed(file string, read func(*diag.Source, *diag.List) []string) (map[string]bool, error) {
	text, err := readIfThere(filepath.Join(a.out, file))
	return namesOf(file, text, read), err
}

// namesOf gives the domains of a text; nil when there is none.
func namesOf(file string, text []byte, read func(*diag.Source, *diag.List) []string) map[string]bool {
	if text == nil {
		return nil
	}
	names := map[string]bool{}
	var sources diag.Sources
	var unasked diag.List
	if src, err := sources.Add(file, string(text)); err == nil {
		for _, name := range read(src, &unasked) {
			names[name] = true
		}
	}
	return names
}

func listedNames(src *diag.Source, faults *diag.List) []string {
	var names []string
	for _, name := range hostnames.Parse(src, faults) {
		names = append(names, name.Text)
	}
	return names
}

func tableDomains(src *diag.Source, faults *diag.List) []string {
	var names []string
	table := virtuser.Parse(src, faults)
	for i := range table.Len() {
		key, _ := table.Row(i)
		if _, domain, ok := mailaddr.Split(string(key)); ok {
			names = append(names, domain)
		}
	}
	return names
}

// record gives the memory's file, where it changed.
func (c *serving) record() ([]publish.Record, error) {
	after, err := c.policy.Memory.Encode()
	switch {
	case err != nil:
		return nil, exit(exitSoftware, err)
	case !c.keep || bytes.Equal(c.before, after):
		return nil, nil
	}
	return []publish.Record{{Name: hostnames.MemoryName, Content: after, Aside: c.aside}}, nil
}

func readIfThere(path string) ([]byte, error) {
	text, err := publish.OS.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, machineExit(err, exitIO)
}

// exit gives the exit code of a build by what was decided. That DNS gave no
// answer comes first: what else there is may look otherwise with one.
func (c *serving) exit() error {
	switch d := c.decision; {
	case d.Frozen, d.Waiting > 0:
		return exit(exitTryAgain, nil)
	case d.Held+d.Pending > 0:
		return exit(exitHeld, nil)
	case d.Overdue > 0:
		return exit(exitTryAgain, nil)
	}
	return nil
}
