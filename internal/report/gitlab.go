package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"virtmap/internal/diag"
)

// gitlabSeverities are the severities of a code quality report.
var gitlabSeverities = map[diag.Severity]string{diag.Error: "blocker", diag.Warning: "major", diag.Note: "info"}

type gitlabFinding struct {
	Description string         `json:"description"`
	Check       string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

// gitlab prints a code quality report (docs.gitlab.com, "Code Quality report
// format"). A fault without a place has an empty path and line 1.
func gitlab(w io.Writer, all []diag.Located, _ string) error {
	out := []gitlabFinding{}
	prints := fingerprints{}
	for _, f := range all {
		out = append(out, gitlabFinding{
			Description: f.Text, Check: f.Check.ID, Fingerprint: prints.of(&f), Severity: gitlabSeverities[f.Severity],
			Location: gitlabLocation{slashed(f.At), gitlabLines{max(1, f.At.Line)}},
		})
	}
	return PrintJSON(w, out)
}

// fingerprints makes a fingerprint of each fault that does not depend on its line:
// a digest of file, check and text, and a number if several faults have the same.
type fingerprints map[string]int

// of returns the fingerprint of a fault.
func (p fingerprints) of(f *diag.Located) string {
	same := fmt.Sprintf("%q %s %q", slashed(f.At), f.Check.ID, f.Text)
	p[same]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", same, p[same]))
	return hex.EncodeToString(sum[:16])
}
