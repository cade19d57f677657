package mtatest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/mapfile"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
)

// withLeaving returns the edited build, together with the rows that must stay for the
// domains that leave.
func (c *trial) withLeaving() (mta.Build, error) {
	dir, err := c.inFolder(c.old.build)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	before := c.Server.Find(mta.Folder{Dir: dir, Host: c.old.model.Host.Name.Text, Known: true, Tell: func(string) {}})
	kept, _, err := before.Keep(c.next.build, mta.Leave{Grace: time.Hour, Now: time.Now()})
	return kept, errors.Join(err, before.Close())
}

// leaving replaces the old files that the server uses at once, but not the files that
// it reads at a restart. The outcome of an address in a domain that leaves must not
// change. If the server uses the lists of domains at once, the domain leaves with them.
func (c *trial) leaving() error {
	if !slices.ContainsFunc(c.Server.WithRole(mta.Served), func(f mta.File) bool { return f.Effect != mta.AtOnce }) {
		return nil
	}
	next, err := c.withLeaving()
	if err != nil {
		return err
	}
	before, err := c.of(c.old.build)
	if err != nil {
		return err
	}
	dir, err := c.inFolder(c.old.build)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fresh, err := c.inFolder(next)
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	for _, file := range c.Server.Files {
		if file.Effect != mta.AtOnce {
			continue
		}
		if err := replace(dir, fresh, file.Name); err != nil {
			return err
		}
	}
	now, err := c.outcomes(dir)
	if err != nil {
		return err
	}
	between, err := c.between(next)
	if err != nil {
		return err
	}
	return c.unchanged(now, before, between)
}

// replace replaces a file and its maps.
func replace(dir, fresh, name string) error {
	for _, typ := range mapfile.Types {
		content, err := os.ReadFile(filepath.Join(fresh, name+typ.Suffix))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = write(dir, name+typ.Suffix, content)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unchanged returns an error for an address of a domain that leaves, if its outcome is
// in none of the allowed maps.
func (c *trial) unchanged(now map[string]outcome.Outcome, allowed ...map[string]outcome.Outcome) error {
	served, _ := c.old.build.Set().Domains()
	stays, relayed := c.next.build.Set().Domains()
	left := map[string]outcome.Outcome{}
	for addr, got := range now {
		domain := domainOf(addr)
		if slices.Contains(served, domain) && !slices.Contains(stays, domain) && !slices.Contains(relayed, domain) {
			left[addr] = got
		}
	}
	if err := c.among(left, allowed); err != nil {
		return fmt.Errorf("a domain leaves: %w", err)
	}
	return nil
}

func domainOf(addr string) string { return addr[strings.LastIndexByte(addr, '@')+1:] }

// wired asks for the gaps of a configuration that reads everything, and of the same
// configuration without one of its lines, for each line in turn.
func (c *trial) wired() error {
	if c.Server.Conf == nil {
		return nil
	}
	dir, err := os.MkdirTemp(c.folder, "wired-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name, lines := c.Configuration(c.Server.Dir, c.old.build)
	gaps := func(without int) ([]mta.Gap, error) {
		var text []byte
		for i, line := range lines {
			if i != without {
				text = append(append(text, line...), '\n')
			}
		}
		if err := write(dir, name, text); err != nil {
			return nil, err
		}
		config, err := c.Server.Conf(dir, false)
		if err != nil {
			return nil, err
		}
		return config.Reading(c.old.build, dir, time.Time{}, mta.Remembered{}).Gaps, nil
	}
	whole, err := gaps(-1)
	if err != nil || len(whole) > 0 {
		return fmt.Errorf("a configuration that reads everything has the gaps %v (%w)", whole, err)
	}
	for i, line := range lines {
		found, err := gaps(i)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("no gap is found without the line %q", line)
		}
		if slices.ContainsFunc(found, func(g mta.Gap) bool { return g.Write == "" || g.What == "" }) {
			return fmt.Errorf("without the line %q a gap does not say what to write: %v", line, found)
		}
	}
	return nil
}
