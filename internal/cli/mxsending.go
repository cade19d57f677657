package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"virtmap/hostnames"
	"virtmap/internal/build"
	"virtmap/inventory"
	"virtmap/mxcheck"
	"virtmap/sending"
)

// checkSending checks the chosen domains that send mail, and the host. named says that the
// domains were named.
func (a *mxArgs) checkSending(ctx context.Context, m *inventory.Model, chosen []checked, named bool, q *build.Inquirer, stdio Stdio) error {
	subjects := sendingSubjects(m, chosen, named)
	if len(subjects) == 0 {
		_ = q.Close() // no question was asked
		fmt.Fprintln(stdio.Err, "no domain of the inventory sends mail; write sends: yes, or name domains")
		return nil
	}
	c := sending.Checker{Host: sendingHost(&m.Host)}
	if err := a.files.readInto(&c.Host, subjects); err != nil {
		return machineExit(errors.Join(err, q.Close()), exitNoInput)
	}
	if len(c.Host.Addresses) == 0 {
		fmt.Fprintln(stdio.Err, "the inventory does not say from which addresses this server sends; write host.sends_from, so that SPF is evaluated for them")
	}
	c.Resolver, c.Live = q.Resolver()
	if c.Live {
		c.Fetch = new(sending.Fetcher).Policy
	}
	r := sendingReport{mxArgs: a, records: named, host: c.CheckHost(ctx), all: make([]sending.Verdict, len(subjects))}
	answered := progress("asking the DNS", len(subjects), stdio)
	err := c.CheckAll(ctx, subjects, func(i int, v sending.Verdict) {
		r.all[i] = v
		answered()
	})
	if err = errors.Join(err, q.Close()); err != nil {
		return machineExit(err, exitIO)
	}
	slices.SortStableFunc(r.all, func(a, b sending.Verdict) int { return int(b.Level) - int(a.Level) })
	if err := r.print(m.Host.Name.Text, stdio); err != nil {
		return exit(exitIO, err)
	}
	return r.exit()
}

// sendingHost returns the host that sends: from host.sends_from, else from the single
// addresses of host.networks that are not private. Those are on the inner side of a NAT.
func sendingHost(h *inventory.Host) sending.Host {
	host := sending.Host{Name: h.Name.Text, Keys: sendingKeys(h.DKIM)}
	for _, n := range h.SendsFrom {
		host.Addresses = append(host.Addresses, n.Prefix.Addr())
	}
	if len(h.SendsFrom) > 0 {
		return host
	}
	for _, n := range h.Networks {
		if addr := n.Prefix.Addr(); n.Prefix.IsSingleIP() && !addr.IsPrivate() && !addr.IsLoopback() {
			host.Addresses = append(host.Addresses, addr)
		}
	}
	return host
}

// sendingSubjects returns the chosen domains: those that send, and all that were named.
func sendingSubjects(m *inventory.Model, chosen []checked, named bool) (subjects []sending.Subject) {
	for _, c := range chosen {
		s := sending.Subject{Domain: c.Subject.Domain, MX: hostnames.Us(&m.Host).Names}
		i, known := m.Domain(s.Domain)
		switch {
		case known && m.Domains[i].Sends.On:
			s.Keys = sendingKeys(m.Domains[i].Sends.DKIM)
		case !named:
			continue
		}
		subjects = append(subjects, s)
	}
	return subjects
}

// sendingKeys reads the public halves of the keys of a domain.
func sendingKeys(all []inventory.DKIMKey) (keys []sending.Key) {
	for n, k := range all {
		key := sendingKey(k)
		key.Spare = n > 0 // the first one signs
		keys = append(keys, key)
	}
	return keys
}

// sendingKey reads the public half of a key.
func sendingKey(k inventory.DKIMKey) sending.Key {
	key := sending.Key{Selector: k.Selector.Text, File: k.File.Text}
	public, err := sending.ReadKeyFile(k.File.Text)
	if err != nil {
		key.Problem = err.Error()
		return key
	}
	key.Public = public
	return key
}

// exit returns the exit code. An error counts more than a missing answer.
func (r *sendingReport) exit() error {
	level := r.host.Level
	for i := range r.all {
		level = max(level, r.all[i].Level)
	}
	switch level {
	case mxcheck.Error:
		return exit(exitProblems, nil)
	case mxcheck.Unknown:
		return exit(exitTryAgain, nil)
	}
	return nil
}
