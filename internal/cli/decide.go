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
	"virtmap/internal/mcfile"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/mxcheck"
)

// decide asks about the domains that are due and decides which are served. It
// sets Held of the others, and gives what is to be remembered.
func (a *buildArgs) decide(ctx context.Context, m *inventory.Model, faults *diag.List, stdio Stdio) (hostnames.Decision, []publish.Record, error) {
	var none hostnames.Decision
	q, err := a.asking.open(&m.Host, a.mx == mxZone, stdio)
	if err != nil {
		return none, nil, err
	}
	desk, before, err := a.desk(m, stdio)
	if err != nil {
		return none, nil, errors.Join(err, q.close())
	}
	due := desk.Due()
	subjects := make([]mxcheck.Subject, len(due))
	for n, i := range due {
		subjects[n] = hostnames.Subject(m, &m.Domains[i])
	}
	answers, err := q.ask(ctx, subjects, stdio)
	if err != nil {
		return none, nil, machineExit(err, exitIO)
	}
	verdicts := make(map[int]mxcheck.Verdict, len(due))
	for n, i := range due {
		verdicts[i] = answers[n]
	}
	decision := desk.Decide(verdicts)
	faults.Add(decision.Reports...)
	after, err := desk.Memory.Encode()
	if err != nil {
		return none, nil, exit(exitSoftware, err)
	}
	if bytes.Equal(before, after) {
		return decision, nil, nil
	}
	return decision, []publish.Record{{Name: hostnames.MemoryName, Content: after}}, nil
}

// desk gathers what is installed and remembered, and gives the memory's file
// as it was.
func (a *buildArgs) desk(m *inventory.Model, stdio Stdio) (*hostnames.Desk, []byte, error) {
	desk := &hostnames.Desk{Model: m, Now: time.Now().UTC().Truncate(time.Second), Zones: a.mx == mxZone}
	path := filepath.Join(a.state, hostnames.MemoryName)
	text, err := readIfThere(path)
	if err != nil {
		return nil, nil, err
	}
	if desk.Memory, err = hostnames.ParseMemory(text); err != nil {
		fmt.Fprintf(stdio.Err, "%s is damaged (%s); what is served is taken from %s instead\n", path, diag.Printable(err.Error()), mcfile.HostNames)
		desk.Memory = hostnames.NewMemory()
	}
	if desk.Installed, err = a.installed(mcfile.HostNames); err != nil {
		return nil, nil, err
	}
	desk.Relaying, err = a.installed(mcfile.RelayDomains)
	return desk, text, err
}

// installed gives the names of an installed file.
func (a *buildArgs) installed(file string) (map[string]bool, error) {
	text, err := readIfThere(filepath.Join(a.out, file))
	if err != nil {
		return nil, err
	}
	var sources diag.Sources
	src, err := sources.Add(file, string(text))
	if err != nil {
		return nil, exit(exitIO, err)
	}
	names := map[string]bool{}
	var unasked diag.List
	for _, name := range hostnames.Parse(src, &unasked) {
		names[name.Text] = true
	}
	return names, nil
}

func readIfThere(path string) ([]byte, error) {
	text, err := publish.OS.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, machineExit(err, exitIO)
}

// decisionExit gives the exit code of a build by what was decided.
func decisionExit(d hostnames.Decision) error {
	switch {
	case d.Frozen:
		return exit(exitTryAgain, nil)
	case d.Held+d.Pending > 0:
		return exit(exitHeld, nil)
	case d.Waiting+d.Overdue > 0:
		return exit(exitTryAgain, nil)
	}
	return nil
}
