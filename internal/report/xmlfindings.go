package report

import (
	"encoding/xml"
	"fmt"
	"io"

	"virtmap/internal/diag"
)

// findingsJUnit prints a suite with a case for each fault. The file is the class. A
// note passes. Without faults there is one case, which passes.
func findingsJUnit(w io.Writer, all []diag.Located, _ string) error {
	out := newJUnit(w, "virtmap check")
	for _, f := range all {
		c := Case{Group: slashed(f.At), Name: f.Check.ID + " " + f.Check.Name + " " + f.At.String()}
		if f.Severity > diag.Note {
			c.Failure, c.Details = f.Severity.String()+": "+f.Text, []string{f.At.String(), f.Help}
		}
		if err := out.Case(c); err != nil {
			return err
		}
	}
	if len(all) == 0 {
		if err := out.Case(Case{Group: "inventory", Name: "no faults"}); err != nil {
			return err
		}
	}
	return out.Close()
}

type (
	checkstyleFile struct {
		XMLName xml.Name          `xml:"file"`
		Name    string            `xml:"name,attr"`
		Errors  []checkstyleError `xml:"error"`
	}
	checkstyleError struct {
		Line     int    `xml:"line,attr"`
		Column   int    `xml:"column,attr"`
		Severity string `xml:"severity,attr"`
		Message  string `xml:"message,attr"`
		Source   string `xml:"source,attr"`
	}
)

// checkstyleSeverities are the severities of Checkstyle's XMLLogger.
var checkstyleSeverities = map[diag.Severity]string{diag.Error: "error", diag.Warning: "warning", diag.Note: "info"}

// checkstyle prints the faults in the XML of Checkstyle, by file.
func checkstyle(w io.Writer, all []diag.Located, _ string) error {
	var files []checkstyleFile
	index := map[string]int{}
	for _, f := range all {
		name := slashed(f.At)
		at, known := index[name]
		if !known {
			at = len(files)
			index[name], files = at, append(files, checkstyleFile{Name: name})
		}
		files[at].Errors = append(files[at].Errors, checkstyleError{f.At.Line, f.At.Col, checkstyleSeverities[f.Severity],
			diag.Printable(f.Text + " (" + f.Help + ")"), "virtmap." + f.Check.ID})
	}
	text, err := xml.MarshalIndent(struct {
		XMLName xml.Name `xml:"checkstyle"`
		Version string   `xml:"version,attr"`
		Files   []checkstyleFile
	}{Version: "4.3", Files: files}, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, text)
	return err
}
