package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/diag"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/mxcheck/resolve"
)

// A serving has the decision about which domains are served, and what is stored and
// reported about it.
type serving struct {
	policy   *hostnames.Policy // nil: every domain is served
	decision hostnames.Decision
	zones    resolve.Reading // the zone files of the verdicts; empty: no zone file
	before   []byte          // the stored memory file
	keep     bool            // the memory file may be written
	aside    bool            // the memory file is damaged, and is moved aside
}

// choose decides which domains are served. If some are not, it compiles the inventory
// again.
func (r *run) choose(ctx context.Context) error {
	if r.serving = (&serving{}); r.MX.From == MXOff {
		return nil
	}
	m := r.source.Inventory()
	if err := r.decide(ctx); err != nil {
		return err
	}
	var waits []diag.Fault
	if slices.ContainsFunc(m.Domains, func(d inventory.Domain) bool { return d.Held }) {
		var anew diag.List
		r.events.Enter("compile without what is held back")
		r.source = r.server.Compile(m, &anew)
		if r.server.Waits != nil {
			waits = r.server.Waits(&anew)
		}
	}
	// Announce marks a message as delivered.
	if !r.Quiet {
		r.dnsFaults.Add(r.serving.policy.Announce(r.serving.decision, waits, r.DryRun || r.Watched)...)
	}
	record, err := r.serving.record()
	r.set.Records = append(r.set.Records, record...)
	return err
}

// decide asks the DNS about the domains that are due, and decides which domains are
// served. It sets Held of the others.
func (r *run) decide(ctx context.Context) error {
	m := r.source.Inventory()
	if err := r.recall(); err != nil {
		return err
	}
	due := r.serving.policy.Due()
	verdicts := make(map[int]mxcheck.Verdict, len(due))
	if len(due) > 0 {
		q, err := r.MX.Open(&m.Host, r.events)
		if err != nil {
			return err
		}
		r.serving.zones = q.zones
		subjects := make([]mxcheck.Subject, len(due))
		for n, i := range due {
			subjects[n] = hostnames.Subject(m, &m.Domains[i])
		}
		answers, err := q.Ask(ctx, subjects)
		if err != nil {
			return err
		}
		for n, i := range due {
			verdicts[i] = answers[n]
		}
	}
	r.serving.decision = r.serving.policy.Decide(verdicts)
	return nil
}

// recall reads what is installed, and the memory. If the memory cannot be read,
// addresses of served domains must still be written.
func (r *run) recall() error {
	c := r.serving
	c.policy = &hostnames.Policy{Model: r.source.Inventory(), Memory: hostnames.NewMemory(), Now: time.Now().UTC().Truncate(time.Second), Zones: r.MX.From == MXFromZones}
	path := filepath.Join(r.State, hostnames.MemoryName)
	text, err := publish.ReadState(publish.OS, path)
	if err == nil {
		var memory *hostnames.Memory
		if memory, err = hostnames.ParseMemory(text); err == nil {
			c.policy.Memory, c.before = memory, text
		}
	}
	c.keep = !errors.Is(err, hostnames.ErrLater) // a newer virtmap may need it
	c.aside = err != nil && c.keep
	if err != nil {
		r.events.Tell(fmt.Sprintf("%s cannot be used (%v); what is served is taken from the installed files instead", path, err))
	}
	memory := c.policy.Memory
	if len(c.before) == 0 {
		memory = nil
	}
	c.policy.ClassW, c.policy.Relayed, err = r.served(memory)
	return err
}

// record returns the memory file if it changed.
func (c *serving) record() ([]publish.Record, error) {
	after, err := c.policy.Memory.Encode()
	switch {
	case err != nil:
		return nil, &Error{Kind: Bug, Err: err}
	case !c.keep || bytes.Equal(c.before, after):
		return nil, nil
	}
	return []publish.Record{{Name: hostnames.MemoryName, Content: after, Aside: c.aside}}, nil
}

// quiet returns the time until which no question to the DNS is due. ok is false while a
// domain waits for something.
func (c *serving) quiet() (until time.Time, ok bool) {
	if c.policy == nil {
		return time.Time{}, true
	}
	return c.policy.Quiet()
}
