package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"virtmap/internal/regular"
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
	Program  string            `json:"program"` // this program, and the flags that matter
	At       time.Time         `json:"at"`
	Until    time.Time         `json:"until"`    // when the DNS is to be asked again; zero: it is not asked
	Patterns []string          `json:"patterns"` // of included files
	Matches  []string          `json:"matches"`  // what they match
	Zones    []string          `json:"zones"`    // what --zone stands for; none: no zone file was read
	Inputs   map[string]string `json:"inputs"`   // SHA-256 by path
	Outputs  map[string]string `json:"outputs"`  // stamp by path
}

// settled is how old a file must be when it is looked at: the clock of a file
// system is coarse, and a change in the same moment would not show.
const settled = 50 * time.Millisecond

// program names this program and what of its flags decides about files.
func (a *buildArgs) program(includeFrom []string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s %s %d %q %q %q %q %q %q", version(), stampOf(self), host, os.Geteuid(), a.inventory, a.out, a.mx, a.mc, includeFrom, a.asking.zones.Value()), nil
}

// stampOf tells one state of a file from another, also where content was put back
// with the old size and time: that moves the inode's own time.
func stampOf(path string) string {
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
func (a *buildArgs) quickly(stdio Stdio) bool {
	return !a.dryRun && !a.adopt && !a.reloaded && a.plan == "" && a.inventory != "-" && !isTerminal(stdio.Err)
}

// nothingToDo reports whether everything is as the last build left it.
func (a *buildArgs) nothingToDo(stdio Stdio) bool {
	if !a.quickly(stdio) {
		return false
	}
	state := a.stateFolder()
	text, err := publish.ReadState(publish.OS, filepath.Join(state, unchangedName))
	if err != nil || publish.Leftovers(publish.OS, state) {
		return false
	}
	var s snapshot
	if json.Unmarshal(text, &s) != nil || s.Version != 1 {
		return false
	}
	now := time.Now()
	program, err := a.program(stdio.includeFolders())
	if err != nil || program != s.Program || now.Before(s.At) || !s.Until.IsZero() && !now.Before(s.Until) {
		return false
	}
	return a.sameZones(s.Zones) && s.holds(state)
}

// sameZones reports whether --zone stands for the files that were read.
func (a *buildArgs) sameZones(read []string) bool {
	if len(read) == 0 {
		return true
	}
	files, err := resolve.ZoneFiles(a.asking.zones.Value())
	return err == nil && slices.Equal(files, read)
}

// stateFolder is where the state is before the inventory is read.
func (a *buildArgs) stateFolder() string {
	if a.out == "" {
		return firstOf(a.state, stateServer)
	}
	return firstOf(a.state, filepath.Join(a.out, stateInside))
}

// holds compares with what is there now.
func (s *snapshot) holds(state string) bool {
	for path, stamp := range s.Outputs {
		if stampOf(path) != stamp {
			return false
		}
	}
	if publish.Stopped(publish.OS, state) != "" || !slices.Equal(matches(s.Patterns), s.Matches) {
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

func digestOf(path string) (string, error) {
	content, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return "", err
	}
	return sha256Of(content), nil
}

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// remember writes what a build saw that found nothing to do, or did it. What
// waits for something is not remembered: the rows of a domain that leaves, a
// domain that is held back, a change that nobody was told of.
func (a *buildArgs) remember(ctx context.Context, j *job, stdio Stdio) error {
	if !a.quickly(stdio) || len(j.leaving) > 0 {
		return nil
	}
	s := snapshot{Version: 1, At: time.Now(), Patterns: j.source.Model.Includes, Inputs: map[string]string{}, Outputs: map[string]string{}}
	if j.serving.policy != nil {
		until, quiet := j.serving.policy.Quiet()
		if !quiet {
			return nil
		}
		s.Until, s.Zones = until, j.serving.zones.Files
		maps.Copy(s.Inputs, j.serving.zones.Digests)
		memory := filepath.Join(a.state, hostnames.MemoryName)
		s.Outputs[memory] = stampOf(memory)
	}
	var err error
	if s.Program, err = a.typed.program(stdio.includeFolders()); err != nil {
		return exit(exitIO, err)
	}
	s.Matches = matches(s.Patterns)
	for name, digest := range j.source.Model.Sources.Digests() {
		s.Inputs[name] = digest
	}
	delete(s.Inputs, a.mc) // it is an output
	if j.wiring != nil && j.wiring.config.Path != "" {
		s.Outputs[j.wiring.config.Path] = stampOf(j.wiring.config.Path) // what the server reads
	}
	for _, out := range j.set.Outputs {
		info, err := publish.OS.Stat(out.Path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return machineExit(err, exitIO)
		}
		if err == nil && min(s.At.Sub(info.ModTime), s.At.Sub(info.Changed)) < settled {
			return nil // the next build remembers it
		}
		s.Outputs[out.Path] = stampOf(out.Path)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return exit(exitSoftware, err)
	}
	// Where the disk is full or read-only, or another build at work, the next
	// build reads the inventory.
	_ = publish.WriteState(ctx, publish.OS, filepath.Join(a.state, unchangedName), append(text, '\n'), 0, stdio.tell)
	return nil
}
