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

// unchangedName is a file of the state folder. It has what the last build saw when
// there was nothing left to do. As long as all of it is unchanged, a build has nothing
// to do, and reads no YAML.
const unchangedName = "unchanged.json"

// A snapshot is what a build depends on, and what it has written. Inputs are compared
// by digest. Outputs are compared by inode, size and times, including the time of the
// inode. The commands diff and check --deep use no snapshot, and read everything.
type snapshot struct {
	Version  int               `json:"version"`
	Program  string            `json:"program"` // this program, and the options that matter
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`    // when the next question to the DNS is due; zero: none is due
	Patterns []string          `json:"patterns"` // of included files
	Matches  []string          `json:"matches"`  // the files that the patterns match
	Zones    []string          `json:"zones"`    // the zone files; empty: none was read
	Inputs   map[string]string `json:"inputs"`   // SHA-256 by path
	Outputs  map[string]string `json:"outputs"`  // stamps by path
	Figures  *Figures          `json:"figures,omitempty"`
}

// settled is the age that a file must have for a snapshot. The clock of a file system
// is coarse, so that a change at the same moment could not be seen.
const settled = 50 * time.Millisecond

// program returns a text for this program and those options that decide about files.
func (o *Options) program() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s %d %q %q %q %q %q %q", o.Program, StampOf(self), host, os.Geteuid(), o.Inventory, o.Out, o.MX.From, o.Config, o.IncludeFrom, o.MX.Zones), nil
}

// absent is the stamp of a file that is not there, or cannot be looked at.
const absent = "absent"

// StampOf returns a text that differs for each state of a file. It also differs if
// content was replaced and has the old size and time, because the time of the inode
// changes then.
func StampOf(path string) string {
	info, err := publish.OS.Stat(path)
	if err != nil {
		return absent
	}
	return fmt.Sprintf("%d %d %d %d %o %d %d", info.Inode, info.Size, info.ModTime.UnixNano(), info.Changed.UnixNano(), info.Mode, info.UID, info.GID)
}

// matches returns the files that patterns match.
func matches(patterns []string) (files []string) {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // a malformed pattern is a fault of the inventory
		files = append(files, found...)
	}
	return files
}

// quickly reports whether a build with these options may end after the look, if nothing
// has changed. It must have no other work, and no person who waits for messages.
func (o *Options) quickly() bool {
	return !o.DryRun && !o.Adopt && !o.Reloaded && o.Plan == "" && o.Inventory != inventory.StdinName && !o.Watched
}

// nothingToDo reports whether everything is as the last build left it. If the Figures of
// the run are wanted, they are those of that build.
func (r *run) nothingToDo() (figures *Figures, ok bool) {
	if !r.given.quickly() {
		return nil, false
	}
	state := r.given.within("").State // the inventory is not read yet
	text, err := publish.ReadState(publish.OS, filepath.Join(state, unchangedName))
	if err != nil || publish.Leftovers(publish.OS, state) {
		return nil, false
	}
	var s snapshot
	if json.Unmarshal(text, &s) != nil || s.Version != 1 || r.Options.Figures && s.Figures == nil {
		return nil, false
	}
	now := time.Now()
	program, err := r.given.program()
	if err != nil || program != s.Program || now.Before(s.At) || !s.Until.IsZero() && !now.Before(s.Until) {
		return nil, false
	}
	if r.OnChange != "" && owes(state) {
		return nil, false
	}
	return s.Figures, r.MX.sameZones(s.Zones) && s.holds(state)
}

// sameZones reports whether the zone files are the same as those that were read.
func (a *Asking) sameZones(read []string) bool {
	if len(read) == 0 {
		return true
	}
	files, err := resolve.ZoneFiles(a.Zones)
	return err == nil && slices.Equal(files, read)
}

// holds reports whether the snapshot is still true.
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

// remember writes a snapshot after a build that left nothing to do. It writes none if
// something waits: the rows of a domain that leaves, a domain that is held back, or a
// change that was not announced.
func (r *run) remember(ctx context.Context, figures *Figures) error {
	if !r.given.quickly() || len(r.leaving) > 0 {
		return nil
	}
	until, quiet := r.serving.quiet()
	if !quiet {
		return nil
	}
	s := snapshot{Version: 1, At: time.Now(), Until: until, Patterns: r.source.Inventory().Includes, Inputs: map[string]string{}, Outputs: map[string]string{}, Figures: figures}
	r.rememberServing(&s)
	var err error
	if s.Program, err = r.given.program(); err != nil {
		return as(IO, err)
	}
	s.Matches = matches(s.Patterns)
	maps.Insert(s.Inputs, r.source.Inventory().Sources.Digests())
	delete(s.Inputs, r.Config) // the file is an output
	if r.wiring != nil && r.wiring.config.Place() != "" {
		s.Outputs[r.wiring.config.Place()] = StampOf(r.wiring.config.Place()) // the configuration that the server reads
	}
	for _, out := range r.set.Outputs {
		info, err := publish.OS.Stat(out.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return as(IO, err)
		}
		if err == nil && min(s.At.Sub(info.ModTime), s.At.Sub(info.Changed)) < settled {
			return nil // the next build writes the snapshot
		}
		s.Outputs[out.Path] = StampOf(out.Path)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return &Error{Kind: Bug, Err: err}
	}
	// If the snapshot cannot be written, because the disk is full or read-only, or
	// because another build is at work, the next build reads the inventory.
	_ = publish.WriteState(ctx, publish.OS, filepath.Join(r.State, unchangedName), append(text, '\n'), 0, r.events.Tell)
	return nil
}

// rememberServing adds to the snapshot what decides which domains are served.
func (r *run) rememberServing(s *snapshot) {
	if r.serving.policy == nil {
		return
	}
	s.Zones = r.serving.zones.Files
	maps.Copy(s.Inputs, r.serving.zones.Digests)
	memory := filepath.Join(r.State, hostnames.MemoryName)
	s.Outputs[memory] = StampOf(memory)
}
