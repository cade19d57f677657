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

// A Plan is a build that was reviewed. It has the digests of the installed files, and
// of the files that would be written. For a map, the digest of its text counts.
type Plan struct {
	Version int               `json:"version"`
	Before  map[string]string `json:"before"`
	After   map[string]string `json:"after"`
}

// planOf returns the plan of outputs.
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

// Text returns the file of a plan.
func (p Plan) Text() ([]byte, error) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, &Error{Kind: Bug, Err: err}
	}
	return append(text, '\n'), nil
}

// asPlanned refuses a run that differs from the reviewed plan.
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

// differing returns the differences between a plan and the present one.
func (p Plan) differing(now Plan) (all []string) {
	for name := range p.names(now) {
		text := mapfile.WithoutSuffix(name)
		switch {
		case p.Before[name] != now.Before[name] && now.Before[text] == p.After[text]: // an earlier build has written this file and held other files back
		case p.Before[name] != now.Before[name]:
			all = append(all, name+" was changed since")
		case p.After[name] != now.After[name]:
			all = append(all, name+" would become something else")
		}
	}
	slices.Sort(all)
	return all
}

// names returns the names of both plans.
func (p Plan) names(other Plan) map[string]string {
	names := map[string]string{}
	for _, m := range []map[string]string{p.Before, p.After, other.Before, other.After} {
		maps.Copy(names, m)
	}
	return names
}

// contentOf returns the new content of a text file. Outputs of texts write from the
// beginning to the end.
func contentOf(out publish.Output) ([]byte, error) {
	var w bytesWriter
	err := out.Write(&w)
	return w.content, err
}

// A bytesWriter stores what is written to it.
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
