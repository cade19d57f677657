package mtatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"virtmap/internal/fileset"
	"virtmap/internal/mmap"
	"virtmap/internal/mta"
	"virtmap/internal/outcome"
	"virtmap/internal/publish"
	"virtmap/internal/workshop/memfs"
)

// Folders of the file system in memory.
const (
	memDir   = "/mail"
	memState = "/state"
)

// stops is the number of calls at which the swap is stopped, spread over all its calls.
const stops = 12

// swapped stops the swap of the edited set at some of its calls. Each address must then
// have an outcome of one of the maps of allowed.
func (c *trial) swapped() error {
	next, err := c.withLeaving()
	if err != nil {
		return err
	}
	old, new, err := c.inMemory(next)
	if err != nil {
		return err
	}
	allowed, err := c.allowed(next)
	if err != nil {
		return err
	}
	files := memfs.New()
	if err := publishTo(files, old); err != nil {
		return err
	}
	files.Calls = 0
	if err := publishTo(files, new); err != nil {
		return err
	}
	calls := files.Calls
	for call := 1; call <= calls; call += max(1, calls/stops) {
		stopped := memfs.New()
		if err := publishTo(stopped, old); err != nil {
			return err
		}
		stopped.Calls, stopped.FailAt, stopped.Dies = 0, call, true
		if err := publishTo(stopped, new); err == nil {
			return fmt.Errorf("call %d of %d was not the end", call, calls)
		}
		stopped.FailAt = 0
		now, err := c.copied(stopped, c.outcomes)
		if err != nil {
			return fmt.Errorf("stopped at call %d of %d: %w", call, calls, err)
		}
		if err := c.among(now, allowed); err != nil {
			return fmt.Errorf("stopped at call %d of %d: %w", call, calls, err)
		}
	}
	return nil
}

// inMemory returns the outputs of the old and of the next set, for a folder in memory.
func (c *trial) inMemory(next mta.Build) (old, new []publish.Output, err error) {
	if old, err = fileset.Outputs(c.Server, c.old.build, memDir, -1); err != nil {
		return nil, nil, err
	}
	new, err = fileset.Outputs(c.Server, next, memDir, -1)
	return old, new, err
}

// allowed returns the outcomes before, after and during the swap.
func (c *trial) allowed(next mta.Build) (all []map[string]outcome.Outcome, err error) {
	before, err := c.of(c.old.build)
	if err != nil {
		return nil, err
	}
	after, err := c.of(next)
	if err != nil {
		return nil, err
	}
	between, err := c.between(next)
	return []map[string]outcome.Outcome{before, after, between}, err
}

// between returns the outcomes of the old set, if the files that other files lead to
// already have the form that serves both sets.
func (c *trial) between(next mta.Build) (map[string]outcome.Outcome, error) {
	dir, err := c.inFolder(c.old.build)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	outputs, err := fileset.Outputs(c.Server, next, dir, -1)
	if err != nil {
		return nil, err
	}
	for _, out := range outputs {
		if out.Bridge == nil {
			continue
		}
		if err := bridge(out); err != nil {
			return nil, err
		}
	}
	return c.outcomes(dir)
}

// bridge writes the form of an output that serves both sets. It does nothing if the old
// set has no such file.
func bridge(out publish.Output) error {
	installed, err := os.ReadFile(out.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	write := out.Bridge(mmap.Of(installed), nil)
	if write == nil {
		write = out.Write
	}
	file, err := os.Create(out.Path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}

// copied copies the files in memory into a folder, and calls ask with it.
func (c *trial) copied(files *memfs.FS, ask func(dir string) (map[string]outcome.Outcome, error)) (map[string]outcome.Outcome, error) {
	dir, err := os.MkdirTemp(c.folder, "copy-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	names, err := files.Names(memDir)
	if err != nil {
		return nil, err
	}
	if c.During != nil {
		name, text := c.During(c.old.build, c.next.build)
		if err := write(dir, name, text); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		content, err := files.ReadFile(filepath.Join(memDir, name))
		if err == nil {
			err = write(dir, name, content)
		}
		if err != nil {
			return nil, err
		}
	}
	return ask(dir)
}

// among returns an error for an address whose outcome is in none of the allowed maps.
func (c *trial) among(now map[string]outcome.Outcome, allowed []map[string]outcome.Outcome) error {
	for addr, got := range now {
		known := func(m map[string]outcome.Outcome) bool { return same(m[addr], got) || bothRefuse(m[addr], got) }
		if slices.ContainsFunc(allowed, known) || c.LooseDetails && strings.Contains(addr, "+") {
			continue
		}
		var words []string
		for _, m := range allowed {
			words = append(words, m[addr].String())
		}
		return fmt.Errorf("%s is %s, and may be %s", addr, got, strings.Join(words, " or "))
	}
	return nil
}

// bothRefuse reports whether two outcomes are refusals for good, or both for now. While
// files are swapped, the words of a refusal may come from another file.
func bothRefuse(a, b outcome.Outcome) bool {
	return !a.Taken && !b.Taken && a.Code/100 == b.Code/100
}

// rolledBack publishes the old set, then the next set, and restores the first
// generation.
func (c *trial) rolledBack() error {
	next, err := c.withLeaving()
	if err != nil {
		return err
	}
	old, new, err := c.inMemory(next)
	if err != nil {
		return err
	}
	files := memfs.New()
	for _, outputs := range [][]publish.Output{old, new} {
		if err := publishTo(files, outputs); err != nil {
			return err
		}
	}
	kept, _, err := publish.Sound(files, memState)
	if err != nil || len(kept) == 0 {
		return fmt.Errorf("no generation is kept (%w)", err)
	}
	first := kept[0]
	content := func(name string) ([]byte, error) { return first.Content(files, memState, name) }
	restored, err := fileset.Restored(c.Server, first, content, memDir, -1)
	if err == nil {
		err = publishTo(files, restored)
	}
	if err != nil {
		return err
	}
	before, err := c.of(c.old.build)
	if err != nil {
		return err
	}
	now, err := c.copied(files, c.outcomes)
	if err == nil {
		err = c.among(now, []map[string]outcome.Outcome{before})
	}
	if err != nil {
		return fmt.Errorf("after the rollback: %w", err)
	}
	return nil
}

func publishTo(files *memfs.FS, outputs []publish.Output) error {
	set := publish.Set{Outputs: outputs, State: memState, FS: files, Keep: 3, Meta: publish.Meta{Time: time.Unix(1_000_000_000, 0), Who: "test"}}
	_, err := publish.Publish(context.Background(), set)
	return err
}

func publishInto(server *mta.Server, b mta.Build, dir string) error {
	outputs, err := fileset.Outputs(server, b, dir, -1)
	if err != nil {
		return err
	}
	_, err = publish.Publish(context.Background(), publish.Set{Outputs: outputs, State: filepath.Join(dir, ".state"), FS: publish.OS})
	return err
}
