package report

import (
	"io"
	"net/url"

	"virtmap/internal/diag"
)

// The parts of SARIF 2.1.0 that sarif prints (OASIS sarif-v2.1.0, sections 3.13 to
// 3.27).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Columns string        `json:"columnKind"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string       `json:"id"`
		Name    string       `json:"name"`
		Short   sarifMessage `json:"shortDescription"`
		Default sarifConfig  `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule      string            `json:"ruleId"`
		RuleIndex int               `json:"ruleIndex"`
		Level     string            `json:"level"`
		Message   sarifMessage      `json:"message"`
		Locations []sarifLocation   `json:"locations,omitempty"`
		Related   []sarifLocation   `json:"relatedLocations,omitempty"`
		Prints    map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifMessage `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line      int `json:"startLine"`
		Column    int `json:"startColumn"`
		EndColumn int `json:"endColumn,omitempty"`
	}
)

// sarif prints a log of one run. The levels of SARIF have the names of our
// severities.
func sarif(w io.Writer, all []diag.Located, version string) error {
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "virtmap", Version: version, Rules: []sarifRule{}}}, Columns: "unicodeCodePoints", Results: []sarifResult{}}
	rules := map[*diag.Check]int{}
	prints := fingerprints{}
	for _, f := range all {
		at, known := rules[f.Check]
		if !known {
			at = len(rules)
			rules[f.Check] = at
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Check.ID, f.Check.Name, sarifMessage{f.Check.Rule}, sarifConfig{f.Check.Severity.String()}})
		}
		result := sarifResult{Rule: f.Check.ID, RuleIndex: at, Level: f.Severity.String(), Message: sarifMessage{f.Text + "\n" + f.Help},
			Prints: map[string]string{"virtmap/v1": prints.of(&f)}}
		if f.At.File != "" {
			result.Locations = []sarifLocation{sarifPlace(f.At, f.EndCol, "")}
		}
		if f.AlsoAt.File != "" {
			result.Related = []sarifLocation{sarifPlace(f.AlsoAt, 0, f.AlsoText)}
		}
		run.Results = append(run.Results, result)
	}
	return PrintJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

// sarifPlace returns a location of SARIF. Column endColumn is behind the marked text.
func sarifPlace(p diag.Place, endColumn int, text string) sarifLocation {
	uri := url.URL{Path: slashed(p)}
	at := sarifLocation{Physical: sarifPhysical{sarifArtifact{uri.String()}, sarifRegion{p.Line, p.Col, endColumn}}}
	if text != "" {
		at.Message = &sarifMessage{text}
	}
	return at
}
