package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"virtmap/internal/mapfile"
	"virtmap/internal/regular"
)

// A plan is a build that was reviewed: what was installed, and what would be
// written, by digest. A map counts by its text.
type plan struct {
	Version int               `json:"version"`
	Before  map[string]string `json:"before"`
	After   map[string]string `json:"after"`
}

// planOf gives the plan of a job.
func planOf(j *job) (plan, error) {
	p := plan{Version: 1, Before: map[string]string{}, After: map[string]string{}}
	for _, out := range j.set.Outputs {
		name := filepath.Base(out.Path)
		installed, err := readIfThere(out.Path)
		if err != nil {
			return p, machineExit(err, exitIO)
		}
		if installed != nil {
			p.Before[name] = sha256Of(installed)
		}
		if out.Source != "" {
			p.After[name] = "of its text"
			continue
		}
		content, err := contentOf(out)
		if err != nil {
			return p, exit(exitSoftware, err)
		}
		p.After[name] = sha256Of(content)
	}
	return p, nil
}

// save writes the plan.
func (p plan) save(path string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return exit(exitSoftware, err)
	}
	return machineExit(writeWhole(path, append(text, '\n')), exitCannotWrite)
}

// asPlanned refuses a job that is not what was reviewed.
func (a *buildArgs) asPlanned(j *job) error {
	text, err := regular.Read(a.plan, regular.MaxBytes)
	if err != nil {
		return machineExit(err, exitNoInput)
	}
	var reviewed plan
	if err := json.Unmarshal(text, &reviewed); err != nil || reviewed.Version != 1 {
		return exit(exitNoInput, fmt.Errorf("%q is no plan of diff --save", a.plan))
	}
	now, err := planOf(j)
	if err != nil {
		return err
	}
	var differing []string
	for name := range maps.Keys(merged(reviewed, now)) {
		text := mapfile.WithoutSuffix(name)
		switch {
		case reviewed.Before[name] != now.Before[name] && now.Before[text] == reviewed.After[text]: // done by an earlier build, which held others back
		case reviewed.Before[name] != now.Before[name]:
			differing = append(differing, name+" was changed since")
		case reviewed.After[name] != now.After[name]:
			differing = append(differing, name+" would become something else")
		}
	}
	if len(differing) == 0 {
		return nil
	}
	slices.Sort(differing)
	return exit(exitRefused, fmt.Errorf("this is not what was reviewed, and nothing was written: %s; review it anew with diff --save, or build without --plan", strings.Join(differing, "; ")))
}

// merged has the names of both.
func merged(a, b plan) map[string]bool {
	names := map[string]bool{}
	for _, m := range []map[string]string{a.Before, a.After, b.Before, b.After} {
		for name := range m {
			names[name] = true
		}
	}
	return names
}
