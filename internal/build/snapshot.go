package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"virtmap/hostnames"
	"virtmap/internal/publish"
	"virtmap/inventory"
	"virtmap/mxcheck/resolve"
)

// unchangedName is a file of the state folder: what the last build saw when
// it found that all is as it should be. While nothing of it moves, a build has
// nothing to do and reads no YAML.
const unchangedName = "unchanged.json"

// A snapshot is what decides what a build writes, and what it has written: inputs
// by digest, outputs by inode, size and times, that of the inode among them. diff
// and check --deep read everything.
type snapshot struct {
	Version  int               `json:"version"`
	Program  string            `json:"program"` // this program, and the options that matter
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`    // when the DNS is to be asked again; zero: it is not asked
	Patterns []string          `json:"patterns"` // of included files
	Matches  []string          `json:"matches"`  // what they match
	Zones    []string          `json:"zones"`    // the zone files; none: no zone file was read
	Inputs   map[string]string `json:"inputs"`   // SHA-256 by path
	Outputs  map[string]string `json:"outputs"`  // stamp by path
}

// settled is how old a file must be when it is looked at: the clock of a file
// system is coarse, and a change in the same moment would not show.
const settled = 50 * time.Millisecond

// program names this program and what of its options decides about files.
func (o *Options) program() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s %d %q %q %q %q %q %q", o.Program, StampOf(self), host, os.Geteuid(), o.Inventory, o.Out, o.MX.From, o.MC, o.IncludeFrom, o.MX.Zones), nil
}

// StampOf tells one state of a file from another, also where content was put back
// with the old size and time: that moves the inode's own time.
func StampOf(path string) string {
	info, err := publish.OS.Stat(path)
	if err != nil {
		return "absent"
	}
	return fmt.Sprintf("%d %d %d %d %o %d %d", info.Inode, info.Size, info.ModTime.UnixNano(), info.Changed.UnixNano(), info.Mode, info.UID, info.GID)
}

// matches are the files that patterns match.
func matches(patterns []string) (files []string) {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // a malformed one is a fault of the inventory
		files = append(files, found...)
	}
	return files
}

// quickly reports whether a build may look before it reads: one that changes
// nothing must have nothing else to do either, and nobody to talk to.
func (o *Options) quickly() bool {
	return !o.DryRun && !o.Adopt && !o.Reloaded && o.Plan == "" && o.Inventory != inventory.StdinName && !o.Watched
}

// nothingToDo reports whether everything is as the last build left it.
func (r *run) nothingToDo() bool {
	if !r.given.quickly() {
		return false
	}
	state := r.given.within("").State // the inventory is not read yet
	text, err := publish.ReadState(publish.OS, filepath.Join(state, unchangedName))
	if err != nil || publish.Leftovers(publish.OS, state) {
		return false
	}
	var s snapshot
	if json.Unmarshal(text, &s) != nil || s.Version != 1 {
		return false
	}
	now := time.Now()
	program, err := r.given.program()
	if err != nil || program != s.Program || now.Before(s.At) || !s.Until.IsZero() && !now.Before(s.Until) {
		return false
	}
	return r.MX.sameZones(s.Zones) && s.holds(state)
}

// sameZones reports whether the zone files are those that were read.
func (a *Asking) sameZones(read []string) bool {
	if len(read) == 0 {
		return true
	}
	files, err := resolve.ZoneFiles(a.Zones)
	return err == nil && slices.Equal(files, read)
}

// holds compares with what is there now.
func (s *snapshot) holds(state string) bool {
	for path, stamp := range s.Outputs {
		if StampOf(path) != stamp {
			return false
		}
	}
	if publish.Stopped(publish.OS, state) != "" || publish.Unannounced(publish.OS, state) != "" || !slices.Equal(matches(s.Patterns), s.Matches) {
		return false
	}
	for path, digest := range s.Inputs {
		now, err := digestOf(path)
		if err != nil || now != digest {
			return false
		}
	}
	return true
}

// remember writes what a build saw that found nothing to do, or did it. What
// waits for something is not remembered: the rows of a domain that leaves, a
// domain that is held back, a change that nobody was told of.
func (r *run) remember(ctx context.Context) error {
	if !r.given.quickly() || len(r.leaving) > 0 {
		return nil
	}
	until, quiet := r.serving.quiet()
	if !quiet {
		return nil
	}
	s := snapshot{Version: 1, At: time.Now(), Until: until, Patterns: r.source.Inventory().Includes, Inputs: map[string]string{}, Outputs: map[string]string{}}
	r.rememberServing(&s)
	var err error
	if s.Program, err = r.given.program(); err != nil {
		return as(IO, err)
	}
	s.Matches = matches(s.Patterns)
	maps.Insert(s.Inputs, r.source.Inventory().Sources.Digests())
	delete(s.Inputs, r.MC) // it is an output
	if r.wiring != nil && r.wiring.config.Place() != "" {
		s.Outputs[r.wiring.config.Place()] = StampOf(r.wiring.config.Place()) // what the server reads
	}
	for _, out := range r.set.Outputs {
		info, err := publish.OS.Stat(out.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return as(IO, err)
		}
		if err == nil && min(s.At.Sub(info.ModTime), s.At.Sub(info.Changed)) < settled {
			return nil // the next build remembers it
		}
		s.Outputs[out.Path] = StampOf(out.Path)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return &Error{Kind: Bug, Err: err}
	}
	// Where the disk is full or read-only, or another build at work, the next
	// build reads the inventory.
	_ = publish.WriteState(ctx, publish.OS, filepath.Join(r.State, unchangedName), append(text, '\n'), 0, r.events.Tell)
	return nil
}

// rememberServing adds what decides which domains are served.
func (r *run) rememberServing(s *snapshot) {
	if r.serving.policy == nil {
		return
	}
	s.Zones = r.serving.zones.Files
	maps.Copy(s.Inputs, r.serving.zones.Digests)
	memory := filepath.Join(r.State, hostnames.MemoryName)
	s.Outputs[memory] = StampOf(memory)
}
