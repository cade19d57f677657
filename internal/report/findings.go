package report

import (
	"encoding/json"
	"io"
	"path/filepath"

	"virtmap/internal/diag"
)

// Findings are the formats for the faults of an inventory by name. version is that
// of virtmap.
var Findings = map[string]func(w io.Writer, all []diag.Located, version string) error{
	"json":       findingsJSON,
	"github":     github,
	"gitlab":     gitlab,
	"sarif":      sarif,
	"junit":      findingsJUnit,
	"checkstyle": checkstyle,
}

// slashed returns the file of a place with slashes.
func slashed(p diag.Place) string { return filepath.ToSlash(filepath.Clean(p.Name())) }

// PrintJSON prints a value as indented JSON.
func PrintJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // messages have many < and >
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

type jsonPlace struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"` // in characters, from 1
	EndColumn int    `json:"end_column,omitempty"`
	Text      string `json:"text,omitempty"`
}

type jsonFinding struct {
	Check    string     `json:"check"`
	Name     string     `json:"name"`
	Severity string     `json:"severity"`
	Text     string     `json:"text"`
	Help     string     `json:"help"`
	Place    *jsonPlace `json:"place,omitempty"`
	Also     *jsonPlace `json:"also,omitempty"`
}

// findingsJSON prints one object:
//
//	{"version": 1, "faults": [{"check": "VM011", "name": …, "severity": "error",
//	"text": …, "help": …, "place": {"file", "line", "column", "end_column"},
//	"also": {"file", "line", "column", "text"}}], "errors": 1, "warnings": 0, "notes": 0}
//
// New keys do not change the version. It changes when a key is removed or gets
// another meaning.
func findingsJSON(w io.Writer, all []diag.Located, _ string) error {
	return PrintJSON(w, struct {
		Version int `json:"version"`
		FaultList
	}{1, NewFaultList(all)})
}

// A FaultList is faults as a part of a JSON document, in the form of the format json.
type FaultList struct {
	Faults   []jsonFinding `json:"faults"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Notes    int           `json:"notes"`
}

// NewFaultList returns the faults with the number of each severity.
func NewFaultList(all []diag.Located) FaultList {
	out := FaultList{Faults: []jsonFinding{}}
	counts := map[diag.Severity]*int{diag.Error: &out.Errors, diag.Warning: &out.Warnings, diag.Note: &out.Notes}
	for _, f := range all {
		*counts[f.Severity]++
		one := jsonFinding{Check: f.Check.ID, Name: f.Check.Name, Severity: f.Severity.String(), Text: f.Text, Help: f.Help}
		if f.At.File != "" {
			one.Place = &jsonPlace{File: slashed(f.At), Line: f.At.Line, Column: f.At.Col, EndColumn: f.EndCol}
		}
		if f.AlsoAt.File != "" {
			one.Also = &jsonPlace{File: slashed(f.AlsoAt), Line: f.AlsoAt.Line, Column: f.AlsoAt.Col, Text: f.AlsoText}
		}
		out.Faults = append(out.Faults, one)
	}
	return out
}
