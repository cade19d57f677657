package build

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"virtmap/internal/mapfile"
	"virtmap/internal/publish"
	"virtmap/internal/regular"
)

// A Plan is a build that was reviewed: what was installed, and what would be
// written, by digest. A map counts by its text.
type Plan struct {
	Version int               `json:"version"`
	Before  map[string]string `json:"before"`
	After   map[string]string `json:"after"`
}

// planOf gives the plan of outputs.
func planOf(outputs []publish.Output) (Plan, error) {
	p := Plan{Version: 1, Before: map[string]string{}, After: map[string]string{}}
	for _, out := range outputs {
		name := filepath.Base(out.Path)
		installed, err := regular.ReadIfThere(out.Path)
		if err != nil {
			return p, as(IO, err)
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
			return p, &Error{Kind: Bug, Err: err}
		}
		p.After[name] = sha256Of(content)
	}
	return p, nil
}

// Text is the file of a plan.
func (p Plan) Text() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, &Error{Kind: Bug, Err: err}
	}
	return append(text, '\n'), nil
}

// asPlanned refuses a run that is not what was reviewed.
func (r *run) asPlanned() error {
	text, err := regular.Read(r.Plan, regular.MaxBytes)
	if err != nil {
		return as(NoInput, err)
	}
	var reviewed Plan
	if err := json.Unmarshal(text, &reviewed); err != nil || reviewed.Version != 1 {
		return &NoPlan{r.Plan}
	}
	now, err := planOf(r.set.Outputs)
	if err != nil {
		return err
	}
	if differing := reviewed.differing(now); len(differing) > 0 {
		return &OtherPlan{differing}
	}
	return nil
}

// differing names in what a plan differs from the one that is found now.
func (p Plan) differing(now Plan) (all []string) {
	for name := range p.names(now) {
		text := mapfile.WithoutSuffix(name)
		switch {
		case p.Before[name] != now.Before[name] && now.Before[text] == p.After[text]: // done by an earlier build, which held others back
		case p.Before[name] != now.Before[name]:
			all = append(all, name+" was changed since")
		case p.After[name] != now.After[name]:
			all = append(all, name+" would become something else")
		}
	}
	slices.Sort(all)
	return all
}

// names are the names of both plans.
func (p Plan) names(other Plan) map[string]string {
	names := map[string]string{}
	for _, m := range []map[string]string{p.Before, p.After, other.Before, other.After} {
		maps.Copy(names, m)
	}
	return names
}

// contentOf gives what a text file would become. Texts are written from the
// beginning to the end.
func contentOf(out publish.Output) ([]byte, error) {
	var w bytesWriter
	err := out.Write(&w)
	return w.content, err
}

// A bytesWriter keeps what is written to it.
type bytesWriter struct{ content []byte }

func (b *bytesWriter) Write(p []byte) (int, error) {
	b.content = append(b.content, p...)
	return len(p), nil
}

func (b *bytesWriter) Seek(int64, int) (int64, error) { return 0, os.ErrInvalid }

func sha256Of(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func digestOf(path string) (string, error) {
	content, err := regular.Read(path, regular.MaxBytes)
	if err != nil {
		return "", err
	}
	return sha256Of(content), nil
}
