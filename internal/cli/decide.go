package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/mailaddr"
	"virtmap/internal/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/virtuser"
)

// A choice is which domains are served, and what there is to remember and to
// say about it.
type choice struct {
	desk     *hostnames.Desk
	decision hostnames.Decision
	before   []byte // the memory's file
	keep     bool   // it may be written
}

// decide asks about the domains that are due and decides which are served. It
// sets Held of the others.
func (a *buildArgs) decide(ctx context.Context, m *inventory.Model, stdio Stdio) (*choice, error) {
	c, err := a.recall(m, stdio)
	if err != nil {
		return nil, err
	}
	due := c.desk.Due()
	verdicts := make(map[int]mxcheck.Verdict, len(due))
	if len(due) > 0 {
		q, err := a.asking.open(&m.Host, a.mx == mxZone, stdio)
		if err != nil {
			return nil, err
		}
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
	c.decision = c.desk.Decide(verdicts)
	return c, nil
}

// recall gathers what is installed and remembered. A memory that cannot be
// read must not stop the addresses of a served domain from being written.
func (a *buildArgs) recall(m *inventory.Model, stdio Stdio) (*choice, error) {
	c := &choice{keep: true}
	c.desk = &hostnames.Desk{Model: m, Memory: hostnames.NewMemory(), Now: time.Now().UTC().Truncate(time.Second), Zones: a.mx == mxZone}
	path := filepath.Join(a.state, hostnames.MemoryName)
	text, err := readIfThere(path)
	if err == nil {
		var memory *hostnames.Memory
		if memory, err = hostnames.ParseMemory(text); err == nil {
			c.desk.Memory, c.before = memory, text
		}
	} else {
		c.keep = false
	}
	if errors.Is(err, hostnames.ErrLater) {
		c.keep = false // of a later virtmap, which may need it
	}
	if err != nil {
		fmt.Fprintf(stdio.Err, "%s cannot be used (%s); what is served is taken from the installed files instead\n", path, diag.Printable(err.Error()))
	}
	if c.desk.ClassW, err = a.installed(mcfile.HostNames, listedNames); err != nil {
		return nil, err
	}
	if c.desk.ClassW == nil && len(c.before) == 0 {
		// Class w may be kept elsewhere: on a first run the rows tell.
		if c.desk.ClassW, err = a.installed(mcfile.Virtusertable, tableDomains); err != nil {
			return nil, err
		}
	}
	c.desk.Relayed, err = a.installed(mcfile.RelayDomains, listedNames)
	return c, err
}

// installed gives the domains of an installed file; nil when it is not there.
func (a *buildArgs) installed(file string, read func(*diag.Source, *diag.List) []string) (map[string]bool, error) {
	text, err := readIfThere(filepath.Join(a.out, file))
	if err != nil || text == nil {
		return nil, err
	}
	var sources diag.Sources
	src, err := sources.Add(file, string(text))
	if err != nil {
		return nil, exit(exitIO, err)
	}
	names := map[string]bool{}
	var unasked diag.List
	for _, name := range read(src, &unasked) {
		names[name] = true
	}
	return names, nil
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
func (c *choice) record() ([]publish.Record, error) {
	after, err := c.desk.Memory.Encode()
	switch {
	case err != nil:
		return nil, exit(exitSoftware, err)
	case !c.keep || bytes.Equal(c.before, after):
		return nil, nil
	}
	return []publish.Record{{Name: hostnames.MemoryName, Content: after}}, nil
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
func (c *choice) exit() error {
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
